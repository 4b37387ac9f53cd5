// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "mount-helper/privileges.h"

namespace downwardfs {
namespace {

using Kind = Message::Kind;
using std::chrono::milliseconds;

// A daemon that lives so long has not died of what killed the one before it.
constexpr std::chrono::seconds kLivedWell{10};
// So many daemons in a row that die before they serve are started at once, then more slowly.
constexpr int kQuickRestarts = 20;
constexpr milliseconds kFirstBackoff{50};
constexpr milliseconds kLongestBackoff{5000};
// A request that so many daemons have died of is answered EIO.
constexpr int kPoisonDeaths = 3;
constexpr milliseconds kEndGrace{2000};
constexpr milliseconds kStartTime{10000};

std::uint64_t Microseconds(std::chrono::steady_clock::duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

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
  if (auto done = SetUpSignals(); !done) return done;
  if (memory_) return {};  // taken over
  auto memory = HandoverMemory::Create();
  if (!memory) return Fail(std::move(memory.error()));
  memory_ = std::move(*memory);
  return StartDaemon();
}

Status Holder::StartDaemon() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(ErrnoError(errno, "socketpair"));
  }
  OwnedFd ours(ends[0]);
  const OwnedFd theirs(ends[1]);
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  const pid_t child = fork();
  if (child < 0) return Fail(ErrnoError(errno, "fork"));
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int channel = fcntl(theirs.get(), F_DUPFD, 3);  // not closed at exec
    setenv(kHolderFdVariable, std::to_string(channel).c_str(), 1);
    std::vector<char*> argv;
    argv.reserve(options_.command.size() + 1);
    for (const std::string& word : options_.command)
      argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    if (options_.run_as && !BecomeUser(*options_.run_as)) _exit(127);
    if (!DropAllCapabilities()) _exit(127);
    execv(argv[0], argv.data());
    _exit(127);
  }
  daemon_ = child;
  ++generation_;
  channel_ = std::move(ours);
  served_ = false;
  started_ = last_sign_ = Clock::now();
  restart_at_ = Clock::time_point::max();
  return {};
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
                     {channel_.get(), POLLIN, 0},
                     {mounted_ ? watch_->fd() : -1, POLLPRI, 0},
                     {mounted_ ? -1 : mount_.device.get(), 0, 0}};
    if (poll(fds, 4, WaitTime(Clock::now())) < 0 && errno != EINTR) return Finish(1);
    // Unmounted, and nobody uses the file system any more.
    if (fds[3].revents != 0) return Finish(0);
    if (fds[1].revents != 0) TakeMessage();
    if (fds[2].revents != 0) CheckMount();
    if (fds[0].revents != 0) TakeSignals();
    CheckTimers(Clock::now());
  }
  return exit_status_;
}

int Holder::WaitTime(Clock::time_point now) const {
  Clock::time_point next = restart_at_;
  if (daemon_ > 0 && ready_ && options_.watchdog.count() > 0) {
    next = std::min(next, last_sign_ + Patience());
    next = std::min(next, std::max(last_sign_, life_checked_) + options_.watchdog / 2);
  }
  if (next == Clock::time_point::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60000));
}

// How long a daemon may be silent. One that starts on a busy machine has more to do than to answer.
milliseconds Holder::Patience() const {
  return served_ ? options_.watchdog : std::max(options_.watchdog, kStartTime);
}

void Holder::CheckTimers(Clock::time_point now) {
  if (daemon_ < 0 && now >= restart_at_ && exit_status_ < 0) {
    if (!StartDaemon()) restart_at_ = now + kLongestBackoff;
  }
  const bool watched = daemon_ > 0 && ready_ && options_.watchdog.count() > 0;
  if (watched && now >= std::max(last_sign_, life_checked_) + options_.watchdog / 2) CheckLife(now);
  if (daemon_ > 0 && watched && now >= last_sign_ + Patience()) {
    syslog(LOG_WARNING, "downwardfs: no sign of life from daemon %d; it is killed", daemon_);
    kill(daemon_, SIGKILL);
    last_sign_ = now;
  }
}

void Holder::TakeMessage() {
  auto message = ReceiveMessage(channel_.get());
  if (!message) {
    if (message.error().code == ErrorCode::kUnavailable) return;
    // What the daemon says is not to be trusted, or it is about to die.
    channel_.Reset();
    if (message.error().code != ErrorCode::kCancelled && daemon_ > 0) kill(daemon_, SIGKILL);
    return;
  }
  last_sign_ = Clock::now();
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
      served_ = true;
      if (died_ == Clock::time_point()) break;
      last_handover_us_ = Microseconds(last_sign_ - died_);
      longest_handover_us_ = std::max(longest_handover_us_, last_handover_us_);
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
  return SendMessage(channel_.get(), message);
}

void Holder::Attach(const Message& hello) {
  if (hello.number(0) != kHolderProtocol) {
    syslog(LOG_ERR, "downwardfs: daemon %d speaks another protocol", daemon_);
    kill(daemon_, SIGKILL);
    return;
  }
  std::vector<std::uint64_t> numbers = {
      generation_,
      deaths_,
      last_handover_us_,
      longest_handover_us_,
      mount_.device ? static_cast<std::uint64_t>(mount_.mount_id) : 0,
      options_.resend ? 1u : 0u,
      static_cast<std::uint64_t>(options_.watchdog.count()),
  };
  for (const auto& [request, deaths] : deaths_by_request_) {
    if (deaths >= kPoisonDeaths) numbers.push_back(request);
  }
  if (!SendMounted(Kind::kAttach, std::move(numbers))) kill(daemon_, SIGKILL);
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
    auto publisher = mount_.view ? PublisherProcess::Start(mount_.view.get(), mount_.device.get())
                                 : Result<PublisherProcess>(PublisherProcess());
    if (publisher) {
      publisher_ = std::move(*publisher);
      if (SendMounted(Kind::kMounted, {static_cast<std::uint64_t>(mount_.mount_id)})) return;
      refused.text = "the daemon cannot be told that it is mounted";
    } else {
      refused.text = publisher.error().message;
    }
    UnmountAll();
  } else {
    refused.text = mount.error().message;
  }
  if (!SendMessage(channel_.get(), refused)) kill(daemon_, SIGKILL);
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
        exit_status_ = mount_.device ? Finish(0) : EndDaemon();
        return;
    }
  }
}

void Holder::Reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == daemon_) {
      daemon_ = -1;
      DaemonEnded(status);
    } else if (pid == publisher_.pid() && mounted_ && exit_status_ < 0) {
      auto publisher = PublisherProcess::Start(mount_.view.get(), mount_.device.get());
      if (publisher) publisher_ = std::move(*publisher);
      // The daemon's connection ended with the old one; its successor gets a new one.
      if (daemon_ > 0) kill(daemon_, SIGKILL);
    }
  }
}

void Holder::DaemonEnded(int status) {
  const bool exited = WIFEXITED(status);
  // What it said last may still lie in the channel.
  while (channel_) {
    auto message = ReceiveMessage(channel_.get());
    if (!message) break;
    if (message->kind == Kind::kStop) stopping_ = true;
  }
  channel_.Reset();
  if (!ready_ || stopping_ || (exited && WEXITSTATUS(status) == 0)) {
    exit_status_ = Finish(exited ? WEXITSTATUS(status) : 1);
    return;
  }
  if (!std::exchange(replaced_, false)) ++deaths_;
  died_ = Clock::now();
  if (exited && WEXITSTATUS(status) == kExitHandoverRefused) {
    MountAnew();
  } else {
    CountPending();
  }
  const bool lived = died_ - started_ >= kLivedWell;
  if (served_ || lived) {
    quick_restarts_ = 0;
    backoff_ = milliseconds(0);
  } else if (++quick_restarts_ > kQuickRestarts) {
    backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLongestBackoff);
  }
  restart_at_ = died_ + backoff_;
  syslog(LOG_WARNING, "downwardfs: the daemon has ended (status 0x%x); the next one starts",
         static_cast<unsigned>(status));
}

// A daemon may be dead although it cannot be reaped: one of its threads hangs in the kernel. Its
// main thread is not, then, and lets go of the mutex.
void Holder::CheckLife(Clock::time_point now) {
  life_checked_ = now;
  auto memory = HandoverMemory::Map(memory_.get());
  if (!memory || !memory->LifeLost()) return;
  syslog(LOG_WARNING, "downwardfs: daemon %d is dead, but hangs in the kernel", daemon_);
  daemon_ = -1;  // it is reaped as a stranger, whenever that may be
  DaemonEnded(SIGKILL);
}

// Which requests the daemon was working on. Nothing of the memory is trusted: a wrong number would
// only have a request answered EIO.
void Holder::CountPending() {
  auto memory = HandoverMemory::Map(memory_.get());
  if (!memory) return;
  std::map<std::uint64_t, int> now;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    std::uint64_t unique = 0;
    std::memcpy(&unique, memory->slot(i) + 8, sizeof unique);  // fuse_in_header.unique
    unique &= ~kResentBit;
    HandoverSlot& slot = memory->header().slot[i];
    // One that only waits for its turn has killed nobody; nor has one that a daemon before had
    // begun with, and this one had not come to.
    const std::uint64_t working = slot.working.exchange(0);
    if (unique == 0 || unique == slot.done || unique != working) continue;
    const auto before = deaths_by_request_.find(unique);
    now[unique] = before == deaths_by_request_.end() ? 1 : before->second + 1;
  }
  // What was not begun with this time is remembered while it waits.
  for (const auto& [unique, deaths] : deaths_by_request_) now.emplace(unique, deaths);
  while (now.size() > std::size_t{4} * kMaxSlots) now.erase(now.begin());
  deaths_by_request_ = std::move(now);
}

// What the kernel knows of the old mount cannot be answered any more: better no mount than a wrong
// one. Those who use it get ENOTCONN once; whoever comes after finds the new one.
void Holder::MountAnew() {
  syslog(LOG_ERR, "downwardfs: the handover was refused; mounting anew");
  UnmountAll();
  auto memory = HandoverMemory::Create();
  if (memory) memory_ = std::move(*memory);
  deaths_by_request_.clear();
}

void Holder::CheckMount() {
  if (watch_->IsMounted(mount_.mount_id, mount_.file_system)) return;
  mounted_ = false;
  publisher_.DropView();
  mount_.view.Reset();
  Message message;
  message.kind = Kind::kDetached;
  if (channel_ && !SendMessage(channel_.get(), message)) channel_.Reset();
  // With nobody left who uses it, the file system ends now, and so does the daemon. If the daemon
  // is dead there is nothing that a new one could do for those who are left.
  if (daemon_ < 0) exit_status_ = Finish(0);
}

// Returns its exit status, 1 where it had to be killed.
int Holder::EndDaemon() {
  channel_.Reset();
  if (daemon_ < 0) return 1;
  kill(daemon_, SIGCONT);
  kill(daemon_, SIGTERM);
  const auto deadline = Clock::now() + kEndGrace;
  int status = 0;
  while (waitpid(daemon_, &status, WNOHANG) == 0) {
    if (Clock::now() >= deadline) {
      kill(daemon_, SIGKILL);
      waitpid(daemon_, &status, 0);
      break;
    }
    poll(nullptr, 0, 5);
  }
  daemon_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void Holder::UnmountAll() {
  if (mounted_ && watch_->IsMounted(mount_.mount_id, mount_.file_system)) {
    umount2(options_.mount.mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  }
  mounted_ = false;
  if (publisher_.pid() > 0) {
    kill(publisher_.pid(), SIGKILL);
    // It may wait for an answer that nobody will give until the device is closed.
    mount_ = FuseMount();
    waitpid(publisher_.pid(), nullptr, 0);
    publisher_ = PublisherProcess();
  }
  mount_ = FuseMount();
}

int Holder::Finish(int status) {
  EndDaemon();
  UnmountAll();
  return status;
}

}  // namespace downwardfs
