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

#include "base/end_with_parent.h"
#include "base/process.h"
#include "base/signals.h"
#include "base/system_log.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_answers.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/syscall_filter.h"
#include "mount-helper/unix_socket.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostAsked = 1024;  // requests of the daemon, of which each has a descriptor
constexpr milliseconds kPeerPatience{5000};  // with a peer that does not read

// A mounter takes two sockets or none.
message::Sockets BothOf(const message::Sockets& sockets) {
  return {Duplicate(sockets.csi),
          Duplicate(sockets.registration ? sockets.registration : sockets.csi)};
}

}  // namespace

template <class Message>
bool Supervisor::TellMounter(const Message& message) {
  if (mounter_ && SendMessage(mounter_.get(), message, kPeerPatience)) return true;
  LoseMounter();
  return false;
}

template <class Message>
void Supervisor::TellDaemon(const Message& message) {
  if (daemon_.channel() >= 0 && !SendMessage(daemon_.channel(), message, kPeerPatience)) {
    // Its queue is full: it hangs.
    daemon_.Kill();
  }
}

// A daemon that has not said hello yet is told all when it does.
template <class Message>
void Supervisor::TellAttached(const Message& message) {
  if (attached_) TellDaemon(message);
}

Status Supervisor::SetUp() {
  sigset_t handled = StopSignalSet();
  sigaddset(&handled, SIGCHLD);
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
    if (fds[1].revents != 0) daemon_.TakeMessage();
    if (fds[0].revents != 0) TakeSignals();
    if (exit_status_ < 0 && started_) daemon_.CheckTimers();
  }
  return exit_status_;
}

int Supervisor::WaitTime() const {
  const int daemon = started_ ? daemon_.WaitTime() : -1;
  if (mounter_) return daemon;
  const auto left = std::chrono::ceil<milliseconds>(connect_at_ - Clock::now()).count();
  const int connect = static_cast<int>(std::clamp<std::int64_t>(left, 0, kConnectSeldom.count()));
  return daemon < 0 ? connect : std::min(daemon, connect);
}

// Says what we hold; the mounter then answers with what we lack.
void Supervisor::Connect() {
  connect_at_ = Clock::now() + connect_pause_;
  connect_pause_ = std::min(2 * connect_pause_, kConnectSeldom);
  if (options_.mounter_socket.empty()) {
    mounter_ = StartMounter();
  } else if (auto connection = ConnectTo(options_.mounter_socket, SocketKind::kPackets)) {
    mounter_ = std::move(*connection);
  }
  if (!mounter_) {
    SayAway("is away");
    return;
  }
  if (!TellMounter(message::Hello())) return;
  for (const auto& [id, volume] : volumes_) {
    if (!volume.mounted) continue;
    auto copy = CopyOf(volume);
    if (!copy || !TellMounter(message::Volume{std::move(*copy)})) return;
  }
  if (sockets_.csi && !TellMounter(BothOf(sockets_))) return;
  TellMounter(message::Synced());
}

// Once, until it is back.
void Supervisor::SayAway(const std::string& why) {
  if (std::exchange(said_away_, true)) return;
  SystemLog(LOG_WARNING, "downwardfs: the holder %s; volumes are served, none is mounted",
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
  EndWithParent(supervisor, SIGTERM, 0);
  prctl(PR_SET_NAME, "dwfs-mounter");
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int channel = theirs.get();
  CloseAllBut({channel});
  options_.mounter.channel = std::move(theirs);
  static_cast<void>(FilterSystemCalls(ProcessRole::kMounter));  // beside ours, which said why not
  _exit(NodeMounter(std::move(options_.mounter)).Run());
}

void Supervisor::LoseMounter() {
  mounter_.Reset();
  connect_at_ = Clock::now() + connect_pause_;
  if (std::exchange(synced_, false)) TellWhetherSynced();
  auto asked = std::exchange(asked_, {});
  for (const auto& [serial, what] : asked) {
    if (what.generation == daemon_.figures().generation) {
      Refuse(what.serial, "the holder is away; try again");
    }
  }
}

void Supervisor::TakeMounterMessage() {
  auto message = ReceiveMessage(mounter_.get());
  if (!message) {
    if (message.error().code != ErrorCode::kUnavailable) LoseMounter();
    return;
  }
  std::visit(Overloaded{
                 [this](message::Volume& volume) { TakeFromMounter(volume); },
                 [this](message::Sockets& sockets) { TakeFromMounter(sockets); },
                 [this](message::Synced& synced) { TakeFromMounter(synced); },
                 [this](message::Detached& detached) { TakeFromMounter(detached); },
                 [this](message::Refused& refused) { TakeFromMounter(refused); },
                 [this](message::Done& answer) { TakeFromMounter(answer); },
                 [](const auto&) {},
             },
             *message);
}

void Supervisor::TakeFromMounter(message::Volume& volume) {
  FuseMount& mount = volume.mount;
  if (volumes_.count(mount.id) != 0) return;
  mount.poison.clear();  // that is for us to know
  const std::string id = mount.id;
  FuseMount& kept = volumes_[id] = std::move(mount);
  if (attached_) TellVolume(kept);
}

void Supervisor::TakeFromMounter(message::Sockets& sockets) {
  if (!sockets_.csi) sockets_ = std::move(sockets);
}

void Supervisor::TakeFromMounter(message::Synced& /*synced*/) {
  synced_ = true;
  said_away_ = false;
  connect_pause_ = kConnectAgain;
  TellWhetherSynced();
  if (std::exchange(started_, true)) return;
  if (!daemon_.Start()) exit_status_ = Finish();
}

void Supervisor::TakeFromMounter(message::Detached& detached) {
  if (const auto volume = volumes_.find(detached.id); volume != volumes_.end()) {
    volume->second.mounted = false;
    volume->second.view.Reset();
  }
  TellAttached(detached);
}

void Supervisor::TakeFromMounter(message::Refused& refused) {
  SayAway("refuses this supervisor: " + refused.why);
  LoseMounter();
}

void Supervisor::TakeFromMounter(message::Done& answer) {
  const auto found = asked_.find(answer.serial);
  if (found == asked_.end()) return;
  const Asked asked = std::move(found->second);
  asked_.erase(found);
  if (!answer.error) {
    std::visit(Overloaded{
                   [&](const message::MountVolume& request) { Keep(request, answer); },
                   [&](const message::UnmountVolume& request) { Keep(request); },
                   [](const auto&) {},
               },
               asked.request);
  }
  // One that has died meanwhile cannot be told; the next one learns of the volume when it attaches.
  if (asked.generation != daemon_.figures().generation) return;
  answer.serial = asked.serial;
  TellDaemon(answer);
}

void Supervisor::Keep(const message::MountVolume& request, const message::Done& answer) {
  auto made = MountIn(answer);
  if (!made) return;
  made->id = request.id;
  made->path = request.path;
  made->memory = Duplicate(request.memory);
  if (!made->memory) return;
  daemon_.ForgetDeaths(request.id);
  volumes_[request.id] = std::move(*made);
}

void Supervisor::Keep(const message::UnmountVolume& request) {
  // Unmounted is a place; the volume may be at another one.
  const auto volume = volumes_.find(request.id);
  if (volume == volumes_.end() || volume->second.path != request.path) return;
  volumes_.erase(volume);
  daemon_.ForgetDeaths(request.id);
}

void Supervisor::TellVolume(const FuseMount& volume) {
  auto copy = CopyOf(volume);
  if (!copy) return;
  copy->poison = daemon_.Poison(volume.id);
  TellDaemon(message::Volume{std::move(*copy)});
}

void Supervisor::TellWhetherSynced() {
  TellAttached(message::Synced{!synced_});
}

void Supervisor::Take(HolderMessage& message) {
  std::visit(Overloaded{
                 [this](message::MountVolume& request) { PassOn(request); },
                 [this](message::UnmountVolume& request) { PassOn(request); },
                 [this](message::StartPublisher& request) { PassOn(request); },
                 [this](message::FindPodDirectory& request) { PassOn(request); },
                 [](const auto&) {},
             },
             message);
}

void Supervisor::Attach() {
  message::Attach attach = {daemon_.figures(), options_.resend, daemon_.watchdog(), {}, {}};
  attach.mount.memory = Duplicate(life_);
  TellDaemon(attach);
  for (const auto& [id, volume] : volumes_) TellVolume(volume);
  if (sockets_.csi) TellDaemon(sockets_);
  attached_ = true;
  TellWhetherSynced();
}

template <class Request>
void Supervisor::PassOn(Request& request) {
  const std::uint64_t serial = request.serial;
  if (!synced_) {
    Refuse(serial, "the holder is away; try again");
    return;
  }
  if (asked_.size() >= kMostAsked) {
    Refuse(serial, "too many requests wait for the holder; try again");
    return;
  }
  request.serial = next_serial_++;
  Asked& asked = asked_[request.serial];
  asked = {daemon_.figures().generation, serial, std::move(request)};
  // If that fails, every request is refused, and `asked` exists no longer.
  TellMounter(asked.request);
}

void Supervisor::Refuse(std::uint64_t serial, const std::string& why) {
  TellDaemon(DoneWith(serial, Status(Fail(ErrorCode::kUnavailable, why))));
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
      if (pid == daemon_.pid()) daemon_.Ended(status);
      if (pid == mounter_pid_) mounter_pid_ = -1;
    }
  }
}

std::map<std::string, int> Supervisor::Memories() const {
  std::map<std::string, int> memories = {{"", life_.get()}};
  for (const auto& [id, volume] : volumes_) memories[id] = volume.memory.get();
  return memories;
}

DaemonKeeper::Next Supervisor::Ended(const DaemonKeeper::End& end) {
  attached_ = false;
  // The mounter could not bind them, because somebody had them still: it tries again when we come
  // again.
  if (synced_ && !sockets_.csi) LoseMounter();
  // One that has never served has said why it cannot; nobody needs it started again and again.
  if (daemon_.has_served() || !WIFEXITED(end.status) || !volumes_.empty()) {
    return DaemonKeeper::Next::kAnother;
  }
  Finish();
  exit_status_ = WEXITSTATUS(end.status);
  return DaemonKeeper::Next::kNobody;
}

// Mounts stay if the mounter lives on. A mounter that is our child ends with us.
int Supervisor::Finish() {
  const int status = daemon_.EndForGood();
  mounter_.Reset();
  if (mounter_pid_ > 0) waitpid(mounter_pid_, nullptr, 0);
  return status;
}

}  // namespace downwardfs
