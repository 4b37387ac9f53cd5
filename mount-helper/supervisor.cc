// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/supervisor.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "mount-helper/handover_memory.h"
#include "mount-helper/unix_socket.h"

namespace downwardfs {
namespace {

using Kind = Message::Kind;
using std::chrono::milliseconds;

constexpr milliseconds kConnectAgain{200};
constexpr milliseconds kPeerPatience{5000};  // with a peer that does not read

void CountDeaths(HeldVolumes& volumes) {
  for (auto& [id, volume] : volumes) volume.deaths.Count(volume.memory.get());
}

}  // namespace

Status Supervisor::SetUp() {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&handled, signal);
  sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_.Reset(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return Fail(ErrnoError(errno, "signalfd"));
  auto life = HandoverMemory::Create();
  if (!life) return Fail(std::move(life.error()));
  life_ = std::move(*life);
  return {};
}

int Supervisor::Run() {
  if (auto done = SetUp(); !done) {
    dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", done.error().message.c_str());
    return 1;
  }
  while (exit_status_ < 0) {
    if (!mounter_ && Clock::now() >= connect_at_) Connect();
    pollfd fds[3] = {{signals_.get(), POLLIN, 0},
                     {daemon_.channel(), POLLIN, 0},
                     {mounter_ ? mounter_.get() : -1, POLLIN, 0}};
    if (poll(fds, 3, WaitTime()) < 0 && errno != EINTR) return Finish();
    if (fds[2].revents != 0) TakeMounterMessage();
    if (fds[1].revents != 0) TakeDaemonMessage();
    if (fds[0].revents != 0) TakeSignals();
    if (exit_status_ >= 0 || !started_) continue;
    if (!daemon_.CheckTimers(watched_, [this] { return LifeLost(); })) {
      syslog(LOG_WARNING, "downwardfs: daemon %d is dead, but hangs in the kernel", daemon_.pid());
      DaemonEnded(SIGKILL);
    }
  }
  return exit_status_;
}

int Supervisor::WaitTime() const {
  const int daemon = started_ ? daemon_.WaitTime(watched_) : -1;
  if (mounter_) return daemon;
  const auto left = std::chrono::ceil<milliseconds>(connect_at_ - Clock::now()).count();
  const int connect = static_cast<int>(std::clamp<std::int64_t>(left, 0, kConnectAgain.count()));
  return daemon < 0 ? connect : std::min(daemon, connect);
}

// Says what we hold; the mounter then says what we do not.
void Supervisor::Connect() {
  connect_at_ = Clock::now() + kConnectAgain;
  if (options_.mounter_socket.empty()) {
    mounter_ = StartMounter();
  } else if (auto connection = ConnectTo(options_.mounter_socket, SocketKind::kPackets)) {
    mounter_ = std::move(*connection);
  }
  if (!mounter_) {
    SayAway("is away");
    return;
  }
  Message message;
  message.kind = Kind::kHello;
  message.numbers = {kHolderProtocol};
  if (!TellMounter(message)) return;
  for (const auto& [id, volume] : volumes_) {
    if (!volume.mounted) continue;
    auto offer = VolumeMessage(id, volume);
    if (!offer || !TellMounter(*offer)) return;
  }
  if (csi_) {
    message = Message();
    message.kind = Kind::kSockets;
    message.fds.push_back(Duplicate(csi_));
    message.fds.push_back(Duplicate(registration_ ? registration_ : csi_));
    if (!TellMounter(message)) return;
  }
  message = Message();
  message.kind = Kind::kSynced;
  TellMounter(message);
}

// Once, until it is back.
void Supervisor::SayAway(const std::string& why) {
  if (std::exchange(said_away_, true)) return;
  syslog(LOG_WARNING, "downwardfs: the holder %s; volumes are served, none is mounted",
         why.c_str());
  if (started_) return;
  dprintf(STDERR_FILENO, "downwardfs: waiting for the holder at %s, which %s\n",
          options_.mounter_socket.c_str(), why.c_str());
}

// On a machine that has one supervisor only, the mounter is its child.
OwnedFd Supervisor::StartMounter() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return {};
  OwnedFd ours(ends[0]);
  OwnedFd theirs(ends[1]);
  const pid_t supervisor = getpid();
  mounter_pid_ = fork();
  if (mounter_pid_ < 0) return {};
  if (mounter_pid_ > 0) return ours;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != supervisor) _exit(0);
  prctl(PR_SET_NAME, "dwfs-mounter");
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int channel = theirs.get();
  CloseAllBut({channel});
  options_.mounter.channel = std::move(theirs);
  _exit(NodeMounter(std::move(options_.mounter)).Run());
}

void Supervisor::LoseMounter() {
  mounter_.Reset();
  connect_at_ = Clock::now() + kConnectAgain;
  if (std::exchange(synced_, false)) TellWhetherSynced();
  auto asked = std::exchange(asked_, {});
  for (const auto& [serial, what] : asked) {
    if (what.generation == daemon_.figures().generation) {
      Refuse(what.serial, "the holder is away; try again");
    }
  }
}

bool Supervisor::TellMounter(const Message& message) {
  if (mounter_ && SendMessage(mounter_.get(), message, kPeerPatience)) return true;
  LoseMounter();
  return false;
}

void Supervisor::TakeMounterMessage() {
  auto message = ReceiveMessage(mounter_.get());
  if (!message) {
    if (message.error().code != ErrorCode::kUnavailable) LoseMounter();
    return;
  }
  switch (message->kind) {
    case Kind::kVolume: {
      auto taken = TakeVolume(std::move(*message));
      if (!taken || volumes_.count(taken->first) != 0) break;
      const auto held = volumes_.insert(std::move(*taken)).first;
      if (auto copy = VolumeMessage(held->first, held->second)) TellAttached(*copy);
      break;
    }
    case Kind::kSockets:
      if (csi_ || message->fds.empty()) break;
      csi_ = std::move(message->fds[0]);
      if (message->fds.size() > 1) registration_ = std::move(message->fds[1]);
      break;
    case Kind::kSynced:
      synced_ = true;
      said_away_ = false;
      TellWhetherSynced();
      if (std::exchange(started_, true)) break;
      if (!daemon_.Start()) exit_status_ = Finish();
      break;
    case Kind::kDetached:
      if (const auto volume = volumes_.find(message->text); volume != volumes_.end()) {
        volume->second.mounted = false;
        volume->second.view.Reset();
      }
      TellAttached(*message);
      break;
    case Kind::kRefused:
      SayAway("refuses this supervisor: " + message->text);
      LoseMounter();
      break;
    case Kind::kDone:
      TakeAnswer(std::move(*message));
      break;
    default:
      break;
  }
}

void Supervisor::TakeAnswer(Message answer) {
  const auto found = asked_.find(answer.number(0));
  if (found == asked_.end()) return;
  const Asked asked = std::move(found->second);
  asked_.erase(found);
  if (answer.number(1) == 0) KeepVolume(asked.request, answer);
  // One that has died meanwhile cannot be told; the next one learns of the volume when it attaches.
  if (asked.generation != daemon_.figures().generation) return;
  answer.numbers[0] = asked.serial;
  TellDaemon(answer);
}

void Supervisor::KeepVolume(const Message& request, const Message& answer) {
  const auto fields = SplitFields(request.text);
  if (request.kind == Kind::kMountVolume && fields.size() >= 2 && !answer.fds.empty()) {
    HeldVolume& volume = volumes_[fields[0]];
    volume = HeldVolume();
    volume.path = fields[1];
    volume.file_system = answer.text;
    volume.memory = Duplicate(request.fds[0]);
    volume.device = Duplicate(answer.fds[0]);
    if (answer.fds.size() > 1) volume.view = Duplicate(answer.fds[1]);
  } else if (request.kind == Kind::kUnmountVolume && fields.size() >= 2) {
    // Unmounted is a place; the volume may be at another one.
    const auto volume = volumes_.find(fields[0]);
    if (volume != volumes_.end() && volume->second.path == fields[1]) volumes_.erase(volume);
  }
}

void Supervisor::TellDaemon(const Message& message) {
  if (daemon_.channel() >= 0 && !SendMessage(daemon_.channel(), message, kPeerPatience)) {
    // Its queue is full: it hangs.
    daemon_.Kill();
  }
}

// What a daemon that has not said hello yet is told when it does.
void Supervisor::TellAttached(const Message& message) {
  if (attached_) TellDaemon(message);
}

void Supervisor::TellWhetherSynced() {
  Message message;
  message.kind = Kind::kSynced;
  message.numbers = {synced_ ? 0u : 1u};
  TellAttached(message);
}

void Supervisor::TakeDaemonMessage() {
  auto message = ReceiveMessage(daemon_.channel());
  if (!message) {
    if (message.error().code == ErrorCode::kUnavailable) return;
    daemon_.CloseChannel();
    if (message.error().code != ErrorCode::kCancelled) daemon_.Kill();
    return;
  }
  daemon_.Heard();
  switch (message->kind) {
    case Kind::kHello:
      if (message->number(0) == kHolderProtocol) {
        Attach();
      } else {
        syslog(LOG_ERR, "downwardfs: daemon %d speaks another protocol", daemon_.pid());
        daemon_.Kill();
      }
      break;
    case Kind::kServing:
      served_ = watched_ = true;
      daemon_.Serving();
      break;
    case Kind::kMountVolume:
    case Kind::kUnmountVolume:
    case Kind::kWorker:
    case Kind::kLook:
      PassOn(std::move(*message));
      break;
    default:
      break;
  }
}

void Supervisor::Attach() {
  const DaemonChild::Figures& figures = daemon_.figures();
  Message message;
  message.kind = Kind::kAttach;
  message.numbers = {figures.generation,
                     figures.deaths,
                     figures.last_handover_us,
                     figures.longest_handover_us,
                     0,
                     options_.resend ? 1u : 0u,
                     static_cast<std::uint64_t>(daemon_.watchdog().count())};
  message.fds.push_back(Duplicate(life_));
  TellDaemon(message);
  for (const auto& [id, volume] : volumes_) {
    if (auto copy = VolumeMessage(id, volume)) TellDaemon(*copy);
  }
  if (csi_) {
    message = Message();
    message.kind = Kind::kSockets;
    message.fds.push_back(Duplicate(csi_));
    if (registration_) message.fds.push_back(Duplicate(registration_));
    TellDaemon(message);
  }
  attached_ = true;
  TellWhetherSynced();
}

void Supervisor::PassOn(Message request) {
  const std::uint64_t serial = request.number(0);
  if (!synced_ || request.numbers.empty()) {
    Refuse(serial, "the holder is away; try again");
    return;
  }
  const std::uint64_t ours = next_serial_++;
  request.numbers[0] = ours;
  Asked& asked = asked_[ours];
  asked.generation = daemon_.figures().generation;
  asked.serial = serial;
  asked.request = std::move(request);
  TellMounter(asked.request);  // where that fails, all that was asked is refused
}

void Supervisor::Refuse(std::uint64_t serial, const std::string& why) {
  Message message;
  message.kind = Kind::kDone;
  message.numbers = {serial, 1 + static_cast<std::uint64_t>(ErrorCode::kUnavailable)};
  message.text = why;
  TellDaemon(message);
}

bool Supervisor::LifeLost() const {
  auto memory = HandoverMemory::Map(life_.get());
  return memory && memory->LifeLost();
}

void Supervisor::TakeSignals() {
  signalfd_siginfo info = {};
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGCHLD) {
      exit_status_ = Finish();
      return;
    }
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == daemon_.pid()) DaemonEnded(status);
      if (pid == mounter_pid_) mounter_pid_ = -1;
    }
  }
}

void Supervisor::DaemonEnded(int status) {
  daemon_.Ended(status);
  watched_ = attached_ = false;
  CountDeaths(volumes_);
  // One that has never served has said why it cannot; nobody needs it started again and again.
  if (!served_ && WIFEXITED(status) && volumes_.empty()) {
    Finish();
    exit_status_ = WEXITSTATUS(status);
    return;
  }
  syslog(LOG_WARNING, "downwardfs: the daemon has ended (status 0x%x); the next one starts",
         static_cast<unsigned>(status));
}

// What is mounted stays so where the mounter lives on. A mounter of our own ends with us.
int Supervisor::Finish() {
  const int status = daemon_.End();
  mounter_.Reset();
  if (mounter_pid_ > 0) waitpid(mounter_pid_, nullptr, 0);
  return status;
}

}  // namespace downwardfs
