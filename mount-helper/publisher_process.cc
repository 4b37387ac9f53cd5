// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/publisher_process.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "mount-helper/holder_protocol.h"
#include "mount-helper/privileges.h"
#include "mount-helper/tree_call.h"

namespace downwardfs {
namespace {

using Kind = Message::Kind;

struct Work {
  OwnedFd control;
  OwnedFd view;
  OwnedFd device;
  OwnedFd connection;
};

// False when the holder is gone.
bool TakeOrder(Work& work) {
  auto message = ReceiveMessage(work.control.get());
  if (!message) return message.error().code == ErrorCode::kUnavailable;
  if (message->kind == Kind::kDetached) work.view.Reset();
  if (message->kind == Kind::kAttach && message->fds.size() == 1) {
    work.connection = std::move(message->fds[0]);
  }
  return true;
}

// False when the daemon is gone, or says what is no call.
bool TakeCall(const Work& work) {
  static char bytes[kMaxTreeCall];
  const ssize_t n = recv(work.connection.get(), bytes, sizeof bytes, MSG_TRUNC);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0 || static_cast<std::size_t>(n) > sizeof bytes) return false;
  const auto call = DecodeTreeCall({bytes, static_cast<std::size_t>(n)});
  if (!call) return false;
  const int result = PerformTreeCall(*call, work.view.get(), work.device.get());
  return send(work.connection.get(), &result, sizeof result, MSG_NOSIGNAL) == sizeof result;
}

[[noreturn]] void Run(Work work) {
  prctl(PR_SET_NAME, "dwfs-publisher");
  bool holder = true;
  while (holder || work.connection) {
    pollfd fds[2] = {{holder ? work.control.get() : -1, POLLIN, 0},
                     {work.connection.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0) {
      holder = TakeOrder(work);
    } else if (fds[1].revents != 0 && !TakeCall(work)) {
      work.connection.Reset();
    }
  }
  _exit(0);
}

}  // namespace

Result<PublisherProcess> PublisherProcess::Start(int view, int device) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  PublisherProcess process;
  process.control_.Reset(ends[0]);
  Work work;
  work.control.Reset(ends[1]);
  process.pid_ = fork();
  if (process.pid_ < 0) return Fail(ErrnoError(errno, "fork"));
  if (process.pid_ > 0) return process;
  work.view.Reset(dup(view));
  work.device.Reset(dup(device));
  CloseAllBut({work.control.get(), work.view.get(), work.device.get()});
  process.control_.Release();
  LeaveStandardStreams();
  // A signal to the group (Ctrl-C) is the holder's business; it ends when the channels do.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  if (!DropAllCapabilities()) _exit(1);
  Run(std::move(work));
}

Result<OwnedFd> PublisherProcess::Connect() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  OwnedFd ours(ends[0]);
  Message message;
  message.kind = Kind::kAttach;
  message.fds.emplace_back(ends[1]);
  if (auto sent = SendMessage(control_.get(), message); !sent) return Fail(sent.error());
  return ours;
}

void PublisherProcess::DropView() {
  Message message;
  message.kind = Kind::kDetached;
  if (!SendMessage(control_.get(), message)) control_.Reset();
}

}  // namespace downwardfs
