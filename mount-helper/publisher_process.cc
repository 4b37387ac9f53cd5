// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/publisher_process.h"

#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "base/end_with_parent.h"
#include "base/process.h"
#include "base/reap.h"
#include "mount-helper/confinement.h"
#include "mount-helper/fd_packet.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/holder_codec.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/privileges.h"
#include "mount-helper/syscall_filter.h"
#include "mount-helper/tree_call.h"

namespace downwardfs {
namespace {

constexpr std::chrono::milliseconds kEndGrace{2000};

// The caller could give us a descriptor of anything: what can be closed, and be looked at.
bool AreOfAVolume(const std::vector<OwnedFd>& fds) {
  return DescriptorsFit({FdKind::kFuseDevice, FdKind::kPathOnly}, fds);
}

}  // namespace

struct PublisherProcess::Work {
  // False when the holder is gone.
  bool TakeOrder();
  // False if the daemon is gone, or sent a malformed call.
  bool TakeCall();
  void EndConnection();
  int Perform(const TreeCall& call, std::vector<OwnedFd> fds) const;
  // Ends, or hangs in closing what it got: it works for that caller alone.
  [[noreturn]] void GiveUp();
  [[noreturn]] void Run();

  OwnedFd control;
  OwnedFd view;    // of the one volume
  OwnedFd device;  // of it
  OwnedFd connection;
  OwnedFd descriptors;                     // its own /proc/PID/fd; empty: paths lead there
  const FileSystemSet* allowed = nullptr;  // the process is for all of these
};

bool PublisherProcess::Work::TakeOrder() {
  auto order = ReceiveOrder(control.get());
  if (!order) return order.error().code == ErrorCode::kUnavailable;
  if (auto* const connect = std::get_if<message::ConnectDaemon>(&*order)) {
    if (connection) EndConnection();
    connection = std::move(connect->connection);
  } else {
    view.Reset();
  }
  return true;
}

void PublisherProcess::Work::GiveUp() {
  connection.Reset();
  control.Reset();
  _exit(1);
}

// A queue that has descriptors is left as it is, so that we outlive such a daemon: its connection
// stays open.
void PublisherProcess::Work::EndConnection() {
  if (allowed == nullptr && !DrainsBare(connection.get())) {
    static_cast<void>(connection.Release());
  }
  connection.Reset();
}

bool PublisherProcess::Work::TakeCall() {
  // The process of one mount has its descriptors, and must outlive every daemon.
  const std::size_t room = allowed != nullptr ? 2 : 0;
  auto packet = ReceivePacket(connection.get(), kMaxTreeCall, room);
  if (!packet) return packet.error().code == ErrorCode::kUnavailable;
  if (!AreOfAVolume(packet->fds)) GiveUp();
  const auto call = DecodeTreeCall(packet->bytes);
  if (!call) return false;
  const int result = Perform(*call, std::move(packet->fds));
  return send(connection.get(), &result, sizeof result, MSG_NOSIGNAL) == sizeof result;
}

int PublisherProcess::Work::Perform(const TreeCall& call, std::vector<OwnedFd> fds) const {
  if (allowed == nullptr) {
    return PerformTreeCall(call, view.get(), device.get(), descriptors.get());
  }
  if (fds.size() != 2) return EPERM;
  const std::string file_system = FileSystemOf(fds[1].get());
  if (!allowed->Has(file_system)) return EPERM;
  // A call that waits for a daemon must not hold the device: once all who have it are dead, the
  // kernel ends what waits.
  const bool notifies =
      call.kind == TreeCall::Kind::kInvalidateName || call.kind == TreeCall::Kind::kInvalidateNode;
  if (!notifies) fds[0].Reset();
  allowed->Enter(file_system);
  const int result = PerformTreeCall(call, fds[1].get(), fds[0].get(), descriptors.get());
  allowed->Leave(file_system);
  return result;
}

void PublisherProcess::Work::Run() {
  prctl(PR_SET_NAME, "dwfs-publisher");
  bool holder = true;
  bool connected = false;
  // One of many ends with its connection.
  while (allowed != nullptr ? !connected || connection : holder || connection) {
    pollfd fds[2] = {{holder ? control.get() : -1, POLLIN, 0},
                     {connection ? connection.get() : -1, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0) {
      holder = TakeOrder();
      // Nobody would tell us that the public mount is gone, and the view keeps the file system
      // alive. Changes go by notification from now on.
      if (!holder) view.Reset();
      if (allowed != nullptr && !holder && !connection) break;
    } else if (fds[1].revents != 0 && !TakeCall()) {
      EndConnection();
    }
    connected = connected || connection;
  }
  _exit(0);
}

Result<PublisherProcess> PublisherProcess::Fork(Work work) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  PublisherProcess process;
  process.control_.Reset(ends[0]);
  work.control.Reset(ends[1]);
  const pid_t parent = getpid();
  process.pid_ = fork();
  if (process.pid_ < 0) return Fail(ErrnoError(errno, "fork"));
  if (process.pid_ > 0) return process;
  // Also while it is stopped or waits for the daemon: nobody else would end it, and what it holds
  // would keep the file system, and those who read it, waiting.
  EndWithParent(parent, SIGKILL, 0);
  CloseAllBut({work.control.get(), work.view.get(), work.device.get(),
               work.allowed != nullptr ? work.allowed->fd() : -1});
  process.control_.Release();
  LeaveStandardStreams();
  // A signal to the group (Ctrl-C) is the holder's business; it ends when the channels do.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  // As far as the kernel has it: the holder has logged what it lacks.
  work.descriptors = LeaveAllPaths();
  // The one that stays opens a volume's own files for writing, whatever their mode and owner, for
  // the sake of IN_CLOSE_WRITE.
  if (!DropCapabilitiesBut(CAP_DAC_OVERRIDE)) _exit(1);
  ForbidDumps();
  // The process of one mount changes that mount alone; those of the shared one are not known yet.
  const int view = work.view.get();
  static_cast<void>(view >= 0 ? ForbidWrites({{}, view}) : ForbidSignals());
  static_cast<void>(FilterSystemCalls(ProcessRole::kPublisher));
  work.Run();
}

Result<PublisherProcess> PublisherProcess::Start(int view, int device) {
  Work work;
  work.view.Reset(dup(view));
  work.device.Reset(dup(device));
  return Fork(std::move(work));
}

Result<PublisherProcess> PublisherProcess::StartShared(const FileSystemSet& allowed) {
  Work work;
  work.allowed = &allowed;
  return Fork(std::move(work));
}

Result<OwnedFd> PublisherProcess::Connect() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  OwnedFd ours(ends[0]);
  const message::ConnectDaemon theirs = {OwnedFd(ends[1])};
  if (auto sent = SendMessage(control_.get(), theirs); !sent) return Fail(sent.error());
  return ours;
}

void PublisherProcess::End() {
  const pid_t pid = std::exchange(pid_, -1);
  control_.Reset();
  if (pid <= 0) return;
  kill(pid, SIGKILL);
  ReapWithin(pid, kEndGrace);
}

void PublisherProcess::DropView() {
  if (!SendMessage(control_.get(), message::DropView())) control_.Reset();
}

}  // namespace downwardfs
