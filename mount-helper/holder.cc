// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "mount-helper/end_requests.h"
#include "mount-helper/privileges.h"

namespace downwardfs {
namespace {

using Kind = Message::Kind;
}  // namespace

Status Holder::SetUpSignals() {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&handled, signal);
  sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_.Reset(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return Fail(ErrnoError(errno, "signalfd"));
  auto watch = MountWatch::Open();
  if (!watch) return Fail(std::move(watch.error()));
  watch_ = std::make_unique<MountWatch>(std::move(*watch));
  return {};
}

Status Holder::SetUp() {
  // Held by the daemon too, it would not end with us, for which somebody waits.
  if (options_.ready_fd >= 0) fcntl(options_.ready_fd, F_SETFD, FD_CLOEXEC);
  if (auto done = SetUpSignals(); !done) return done;
  if (memory_) return {};  // taken over
  auto memory = HandoverMemory::Create();
  if (!memory) return Fail(std::move(memory.error()));
  memory_ = std::move(*memory);
  return daemon_.Start();
}

int Holder::Run() {
  if (auto done = SetUp(); !done) {
    dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", done.error().message.c_str());
    return 1;
  }
  // What changed before the table was watched is not announced.
  if (mounted_) CheckMount();
  while (exit_status_ < 0) {
    pollfd fds[4] = {{signals_.get(), POLLIN, 0},
                     {daemon_.channel(), POLLIN, 0},
                     {mounted_ ? watch_->fd() : -1, POLLPRI, 0},
                     {mounted_ ? -1 : mount_.device.get(), 0, 0}};
    if (poll(fds, 4, daemon_.WaitTime(ready_)) < 0 && errno != EINTR) return Finish(1);
    // Unmounted, and nobody uses the file system any more.
    if (fds[3].revents != 0) return Finish(0);
    if (fds[1].revents != 0) TakeMessage();
    if (fds[2].revents != 0) CheckMount();
    if (fds[0].revents != 0) TakeSignals();
    if (exit_status_ >= 0) break;
    if (!daemon_.CheckTimers(ready_, [this] { return LifeLost(); })) {
      syslog(LOG_WARNING, "downwardfs: daemon %d is dead, but hangs in the kernel", daemon_.pid());
      DaemonEnded(SIGKILL);  // it is reaped as a stranger, whenever that may be
    }
  }
  return exit_status_;
}

void Holder::TakeMessage() {
  auto message = ReceiveMessage(daemon_.channel());
  if (!message) {
    if (message.error().code == ErrorCode::kUnavailable) return;
    // What the daemon says is not to be trusted, or it is about to die.
    daemon_.CloseChannel();
    if (message.error().code != ErrorCode::kCancelled) daemon_.Kill();
    return;
  }
  daemon_.Heard();
  switch (message->kind) {
    case Kind::kHello:
      Attach(*message);
      break;
    case Kind::kMount:
      Mount(*message);
      break;
    case Kind::kReady:
      ready_ = true;
      LeaveTheTerminal();
      break;
    case Kind::kServing:
      daemon_.Serving();
      break;
    case Kind::kStop:
      stopping_ = true;
      break;
    default:
      break;
  }
}

// Whoever started us may go on; as a daemon has it, we have no terminal from now on.
void Holder::LeaveTheTerminal() {
  if (options_.ready_fd < 0) return;
  prctl(PR_SET_PDEATHSIG, 0);
  setsid();
  if (write(options_.ready_fd, "1", 1) == 1) close(options_.ready_fd);
  options_.ready_fd = -1;
  LeaveStandardStreams();
}

// Of the device and a new connection to the publisher, copies go along with the message.
Status Holder::SendMounted(Kind kind, std::vector<std::uint64_t> numbers) {
  Message message;
  message.kind = kind;
  message.numbers = std::move(numbers);
  if (kind == Kind::kAttach) {
    message.text = options_.mount.mount_point;
    message.fds.emplace_back(dup(memory_.get()));
  }
  if (mount_.device) {
    message.fds.emplace_back(dup(mount_.device.get()));
    if (mount_.view) {
      auto connection = publisher_.Connect();
      if (!connection) return Fail(std::move(connection.error()));
      message.fds.push_back(std::move(*connection));
    }
  }
  return SendMessage(daemon_.channel(), message);
}

void Holder::Attach(const Message& hello) {
  if (hello.number(0) != kHolderProtocol) {
    syslog(LOG_ERR, "downwardfs: daemon %d speaks another protocol", daemon_.pid());
    daemon_.Kill();
    return;
  }
  const DaemonChild::Figures& figures = daemon_.figures();
  std::vector<std::uint64_t> numbers = {
      figures.generation,
      figures.deaths,
      figures.last_handover_us,
      figures.longest_handover_us,
      mount_.device ? static_cast<std::uint64_t>(mount_.mount_id) : 0,
      options_.resend ? 1u : 0u,
      static_cast<std::uint64_t>(daemon_.watchdog().count()),
  };
  for (const std::uint64_t request : deaths_.Poison()) numbers.push_back(request);
  if (const auto since = daemon_.unserved_since()) {
    const auto time = std::chrono::nanoseconds(since->time_since_epoch()).count();
    numbers.push_back(static_cast<std::uint64_t>(time) | kSinceBit);
  }
  if (mount_.device && !StartPublisher()) return daemon_.Kill();
  if (!SendMounted(Kind::kAttach, std::move(numbers))) daemon_.Kill();
}

// Where one should run and none does.
Status Holder::StartPublisher() {
  if (publisher_.pid() > 0 || !mount_.view || !mounted_) return {};
  auto publisher = PublisherProcess::Start(mount_.view.get(), mount_.device.get());
  if (!publisher) return Fail(std::move(publisher.error()));
  publisher_ = std::move(*publisher);
  return {};
}

void Holder::Mount(const Message& request) {
  if (mount_.device) return;  // it is mounted; nobody else is asked to
  options_.mount.source = request.text;
  auto mount = MountFuse(options_.mount);
  Message refused;
  refused.kind = Kind::kRefused;
  if (mount) {
    mount_ = std::move(*mount);
    mounted_ = true;
    if (auto publisher = StartPublisher(); publisher) {
      if (SendMounted(Kind::kMounted, {static_cast<std::uint64_t>(mount_.mount_id)})) return;
      refused.text = "the daemon cannot be told that it is mounted";
    } else {
      refused.text = publisher.error().message;
    }
    UnmountAll();
  } else {
    refused.text = mount.error().message;
  }
  if (!SendMessage(daemon_.channel(), refused)) daemon_.Kill();
}

void Holder::TakeSignals() {
  signalfd_siginfo info = {};
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    switch (static_cast<int>(info.ssi_signo)) {
      case SIGCHLD:
        Reap();
        break;
      case SIGUSR2:
        if (ready_) ReplaceOurselves();
        break;
      default:
        // Before anything is mounted the daemon says why it ends.
        exit_status_ = mount_.device ? Finish(0) : daemon_.End();
        return;
    }
  }
}

void Holder::Reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == daemon_.pid()) {
      DaemonEnded(status);
    } else if (pid == publisher_.pid() && mounted_ && exit_status_ < 0) {
      // The daemon's connection ended with it; its successor gets one to a new publisher. A
      // publisher that crashes again and again must not keep the two going round at full speed.
      publisher_ = PublisherProcess();
      if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        daemon_.KillBlameless();
      } else {
        daemon_.Kill();
      }
    }
  }
}

void Holder::DaemonEnded(int status) {
  const bool exited = WIFEXITED(status);
  // What it said last may still lie in the channel.
  while (daemon_.channel() >= 0) {
    auto message = ReceiveMessage(daemon_.channel());
    if (!message) break;
    if (message->kind == Kind::kStop) stopping_ = true;
  }
  daemon_.Ended(status);
  if (!ready_ || stopping_ || (exited && WEXITSTATUS(status) == 0)) {
    exit_status_ = Finish(exited ? WEXITSTATUS(status) : 1);
    return;
  }
  if (exited && WEXITSTATUS(status) == kExitHandoverRefused) {
    MountAnew();
  } else {
    deaths_.Count(memory_.get());
  }
  syslog(LOG_WARNING, "downwardfs: the daemon has ended (status 0x%x); the next one starts",
         static_cast<unsigned>(status));
}

// A daemon may be dead although it cannot be reaped: one of its threads hangs in the kernel. Its
// main thread is not, then, and lets go of the mutex.
bool Holder::LifeLost() const {
  auto memory = HandoverMemory::Map(memory_.get());
  return memory && memory->LifeLost();
}

// What the kernel knows of the old mount cannot be answered any more: better no mount than a wrong
// one. Those who use it get ENOTCONN once; whoever comes after finds the new one.
void Holder::MountAnew() {
  syslog(LOG_ERR, "downwardfs: the handover was refused; mounting anew");
  UnmountAll();
  auto memory = HandoverMemory::Create();
  if (memory) memory_ = std::move(*memory);
  deaths_.Clear();
}

void Holder::CheckMount() {
  if (watch_->IsMounted(mount_.mount_id, mount_.file_system)) return;
  mounted_ = false;
  publisher_.DropView();
  mount_.view.Reset();
  Message message;
  message.kind = Kind::kDetached;
  if (daemon_.channel() >= 0 && !SendMessage(daemon_.channel(), message)) daemon_.CloseChannel();
  // With nobody left who uses it, the file system ends now, and so does the daemon. If the daemon
  // is dead there is nothing that a new one could do for those who are left.
  if (!daemon_.running()) exit_status_ = Finish(0);
}

// By force, which ends every request: somebody may wait uninterruptibly for what a daemon has read
// and will not answer, our own processes among them.
void Holder::UnmountAll() {
  if (mounted_) {
    if (const auto path = watch_->PathOf(mount_.mount_id, mount_.file_system)) {
      umount2(path->c_str(), MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW);
    } else if (watch_->IsMounted(mount_.mount_id, mount_.file_system)) {
      syslog(LOG_WARNING, "downwardfs: %s: not unmounted: another mount lies over it",
             options_.mount.mount_point.c_str());
    }
  }
  mounted_ = false;
  if (mount_.device) EndRequests(memory_.get(), mount_.device.get());
  mount_ = FuseMount();
  publisher_.End();
}

int Holder::Finish(int status) {
  UnmountAll();
  daemon_.End();
  return status;
}

}  // namespace downwardfs
