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

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/process.h"
#include "base/sd_notify.h"
#include "base/signals.h"
#include "base/system_log.h"
#include "mount-helper/confinement.h"
#include "mount-helper/end_requests.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/privileges.h"
#include "mount-helper/syscall_filter.h"

namespace downwardfs {
namespace {

// A sweep that kills all who use the mount (fuser -km) comes to us a moment after the publisher. By
// then the daemon must not be killed for the publisher's sake: it is all that is left.
constexpr std::chrono::milliseconds kSweepTakes{200};

// The mount is no more. Its memory stays until there is another one.
void Forget(FuseMount& mount) {
  FuseMount none;
  none.path = std::move(mount.path);
  none.memory = std::move(mount.memory);
  mount = std::move(none);
}

}  // namespace

Status Holder::SetUpSignals() {
  sigset_t handled = StopSignalSet();
  for (const int signal : {SIGCHLD, SIGUSR2}) sigaddset(&handled, signal);
  sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_.Reset(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return Fail(ErrnoError(errno, "signalfd"));
  auto watch = MountWatch::Open();
  if (!watch) return Fail(std::move(watch.error()));
  watch_ = std::make_unique<MountWatch>(std::move(*watch));
  return {};
}

Status Holder::SetUp() {
  // Close-on-exec: the launcher waits for end-of-file on this pipe, so the daemon must not inherit
  // it.
  if (options_.ready_fd >= 0) fcntl(options_.ready_fd, F_SETFD, FD_CLOEXEC);
  for (const OwnedFd* const fd : {&options_.directory, &options_.daemon_namespace}) {
    if (*fd) fcntl(fd->get(), F_SETFD, FD_CLOEXEC);
  }
  const bool taken_over = static_cast<bool>(mount_.memory);
  if (taken_over && HasSystemCallFilter(ProcessRole::kHolder)) {
    ForbidDumps();
  } else {
    ConfinePrivileged(ProcessRole::kHolder);
  }
  if (auto done = SetUpSignals(); !done) return done;
  mount_.path = options_.mount.mount_point;
  if (mount_.memory) return {};  // taken over
  auto memory = HandoverMemory::Create();
  if (!memory) return Fail(std::move(memory.error()));
  mount_.memory = std::move(*memory);
  return daemon_.Start();
}

int Holder::Run() {
  if (auto done = SetUp(); !done) {
    dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", done.error().message.c_str());
    return 1;
  }
  // The table announces only changes after it was opened.
  if (mount_.mounted) CheckMount();
  while (exit_status_ < 0) {
    pollfd fds[4] = {{signals_.get(), POLLIN, 0},
                     {daemon_.channel(), POLLIN, 0},
                     {mount_.mounted ? watch_->fd() : -1, POLLPRI, 0},
                     {mount_.mounted ? -1 : mount_.device.get(), 0, 0}};
    if (poll(fds, 4, WaitTime()) < 0 && errno != EINTR) return Finish(1);
    // Unmounted, and nobody uses the file system any more.
    if (fds[3].revents != 0) return Finish(0);
    if (fds[1].revents != 0) daemon_.TakeMessage();
    if (fds[2].revents != 0) CheckMount();
    if (fds[0].revents != 0) TakeSignals();
    if (exit_status_ >= 0) break;
    CheckPublisher();
    daemon_.CheckTimers();
  }
  return exit_status_;
}

void Holder::Take(HolderMessage& message) {
  if (const auto* const request = std::get_if<message::MountNow>(&message)) {
    Mount(*request);
  } else if (std::holds_alternative<message::Ready>(message)) {
    ready_ = true;
    NotifySystemd("READY=1");  // it listens to the main process of a unit, which we are
    for (const int fd : std::exchange(options_.input_fds, {})) close(fd);
    LeaveTheTerminal();
  }
}

// Lets the process that started us go on, and leaves the standard streams. The session is our own
// already (base/daemonize.h).
void Holder::LeaveTheTerminal() {
  if (options_.ready_fd < 0) return;
  prctl(PR_SET_PDEATHSIG, 0);
  if (write(options_.ready_fd, "1", 1) == 1) close(options_.ready_fd);
  options_.ready_fd = -1;
  LeaveStandardStreams();
}

// The mount as the daemon gets it: without the view, with a connection of its own to the publisher,
// which has the view.
Result<FuseMount> Holder::ForDaemon() {
  auto mount = CopyOf(mount_);
  if (!mount) return mount;
  mount->poison = daemon_.Poison(mount_.id);
  if (!mount_.device || !mount_.view) return mount;
  mount->view.Reset();
  auto connection = publisher_.Connect();
  if (!connection) return Fail(std::move(connection.error()));
  mount->publisher = std::move(*connection);
  return mount;
}

void Holder::Attach() {
  if (mount_.device && !StartPublisher()) return daemon_.Kill();
  auto mount = ForDaemon();
  if (!mount) return daemon_.Kill();
  const message::Attach attach = {daemon_.figures(), options_.resend, daemon_.watchdog(),
                                  daemon_.unserved_since(), std::move(*mount)};
  if (!SendMessage(daemon_.channel(), attach)) daemon_.Kill();
}

// Starts one if the mount needs one and it does not run.
Status Holder::StartPublisher() {
  if (publisher_.pid() > 0 || !mount_.view || !mount_.mounted) return {};
  auto publisher = PublisherProcess::Start(mount_.view.get(), mount_.device.get());
  if (!publisher) return Fail(std::move(publisher.error()));
  publisher_ = std::move(*publisher);
  return {};
}

void Holder::Mount(const message::MountNow& request) {
  if (mount_.device) return;  // it is mounted; nobody else is asked to
  options_.mount.source = request.source;
  options_.mount.directory = options_.directory ? options_.directory.get() : -1;
  message::Refused refused;
  auto mount = MountFuse(options_.mount);
  if (mount) {
    options_.directory.Reset();  // or the file system below could not be unmounted after ours
    mount->memory = std::move(mount_.memory);
    mount_ = std::move(*mount);
    if (auto publisher = StartPublisher(); publisher) {
      auto copy = ForDaemon();
      if (copy && SendMessage(daemon_.channel(), message::Mounted{std::move(*copy)})) return;
      refused.why = "the daemon cannot be told that it is mounted";
    } else {
      refused.why = publisher.error().message;
    }
    UnmountAll();
  } else {
    refused.why = mount.error().message;
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
        exit_status_ = mount_.device ? Finish(0) : daemon_.EndForGood();
        return;
    }
  }
}

void Holder::Reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, StoppedChildren::kWaitFlags)) > 0;) {
    const bool stops = WIFSTOPPED(status) || WIFCONTINUED(status);
    if (stops && pid != publisher_.pid()) continue;
    if (!stopped_.Take(pid, status, Clock::Real().Steady())) continue;
    if (pid == daemon_.pid()) {
      daemon_.Ended(status);
    } else if (pid == publisher_.pid() && mount_.mounted && exit_status_ < 0) {
      LosePublisher(status);
    }
  }
}

// The daemon's connection ended with it; its successor gets one to a new publisher. A publisher
// that crashes again and again must not keep the two going round at full speed.
void Holder::LosePublisher(int status) {
  publisher_ = PublisherProcess();
  const bool by_others = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  loss_ = {Clock::Real().Steady() + kSweepTakes, by_others};
}

void Holder::CheckPublisher() {
  const auto now = Clock::Real().Steady();
  for (const pid_t pid : stopped_.TakeOverdue(now)) {
    if (pid != publisher_.pid()) continue;
    SystemLog(LOG_WARNING, "downwardfs: publisher %d is stopped; it is killed", pid);
    kill(pid, SIGKILL);
  }
  if (!loss_ || now < loss_->due) return;
  // One that has attached since then has a new publisher.
  if (publisher_.pid() <= 0) loss_->by_others ? daemon_.KillBlameless() : daemon_.Kill();
  loss_.reset();
}

int Holder::WaitTime() const {
  const auto now = Clock::Real().Steady();
  int wait = SoonerOf(daemon_.WaitTime(), stopped_.WaitTime(now));
  if (!loss_) return wait;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(loss_->due - now).count();
  return SoonerOf(wait, static_cast<int>(std::max<std::int64_t>(left, 0)));
}

DaemonKeeper::Next Holder::Ended(const DaemonKeeper::End& end) {
  const bool exited = WIFEXITED(end.status);
  const int status = exited ? WEXITSTATUS(end.status) : 1;
  if (!ready_ || end.asked_to_end || status == 0) {
    exit_status_ = Finish(status);
    return DaemonKeeper::Next::kNobody;
  }
  if (!exited || status != kExitHandoverRefused) return DaemonKeeper::Next::kAnother;
  MountAnew();
  return DaemonKeeper::Next::kAnew;
}

// No daemon can answer for what the kernel knows of the old mount: better no mount than a wrong
// one. Processes that use the old mount get ENOTCONN; a path looked up anew leads to the new mount.
void Holder::MountAnew() {
  SystemLog(LOG_ERR, "downwardfs: the handover was refused; mounting anew");
  // The directory below is the one that was chosen, whatever its path leads to by now.
  const auto place = PlaceOfMount(mount_.mount_id, mount_.file_system);
  UnmountAll();
  if (place) options_.directory = OpenDirectoryAt(*place);
  auto memory = HandoverMemory::Create();
  if (memory) mount_.memory = std::move(*memory);
}

void Holder::CheckMount() {
  if (watch_->IsMounted(mount_.mount_id, mount_.file_system)) return;
  mount_.mounted = false;
  publisher_.DropView();
  mount_.view.Reset();
  if (daemon_.channel() >= 0 && !SendMessage(daemon_.channel(), message::Detached())) {
    daemon_.CloseChannel();
  }
  // With nobody left who uses it, the file system ends now, and so does the daemon. If the daemon
  // is dead there is nothing that a new one could do for those who are left.
  if (!daemon_.running()) exit_status_ = Finish(0);
}

// By force, which ends every request: somebody may wait uninterruptibly for what a daemon has read
// and will not answer, our own processes among them.
void Holder::UnmountAll() {
  if (mount_.mounted) {
    const auto done = RemoveMount(mount_.mount_id, mount_.file_system, MNT_FORCE | MNT_DETACH);
    if (!done && done.error().code != ErrorCode::kNotFound) {
      SystemLog(LOG_WARNING, "downwardfs: %s: not unmounted: %s",
                options_.mount.mount_point.c_str(), done.error().message.c_str());
    }
  }
  mount_.mounted = false;
  if (mount_.device) EndRequests(mount_.memory.get(), mount_.device.get());
  Forget(mount_);
  publisher_.End();
}

int Holder::Finish(int status) {
  UnmountAll();
  daemon_.EndForGood();
  return status;
}

}  // namespace downwardfs
