// SPDX-License-Identifier: Apache-2.0
#include "cli/held_mount.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/log_keys.h"
#include "base/log_setup.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/stoppable_thread.h"
#include "base/text.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/confine.h"
#include "cli/holder_channel.h"
#include "cli/mount_parts.h"
#include "cli/opened_inputs.h"
#include "cli/stop_signals.h"
#include "mount-helper/holder_protocol.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kInputRetry{1000};
constexpr milliseconds kAgeInterval{10000};
// A holder replaces a lost publisher, and with it the daemon, in less.
constexpr milliseconds kHolderTakes{5000};

std::int64_t BootSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec;
}

// The server or a manifest gives it: a text.
bool IsPodUid(const std::string& uid) {
  return IsValidUtf8(uid) && std::none_of(uid.begin(), uid.end(), [](unsigned char byte) {
           return byte < ' ' || byte == 0x7f;
         });
}

// The daemon of one held mount, from its start to its end.
class HeldDaemon {
 public:
  HeldDaemon(const MountOptions& options, std::optional<ServerConfig> server, HolderChannel channel,
             std::shared_ptr<const HandoverMemory> memory, OwnedFd signals)
      : options_(options),
        server_(std::move(server)),
        channel_(std::move(channel)),
        memory_(std::move(memory)),
        signals_(std::move(signals)),
        status_(channel_.mount_point()) {
    status_.SetHolder(channel_.Figures());
  }

  Result<int> Run() {
    volume_options_ = VolumeOptions(options_, channel_.mount_point(), status_, /*held=*/true);
    volume_options_.resend = channel_.resend();
    auto loop = SessionLoop::Start(kServingThreads);
    if (!loop) return Fail(std::move(loop.error()));
    served_.loop = std::move(*loop);
    const bool resumed = channel_.mounted();
    if (!IsPodUid(PodUid())) {
      return Fail(ErrorCode::kFailedPrecondition, "the handover memory is damaged: the pod's uid");
    }
    TakeOverAge();
    if (auto done = resumed ? Resume() : Begin(); !done) return Fail(std::move(done.error()));
    auto alive = SignsOfLife();
    if (!alive) return Fail(std::move(alive.error()));
    auto ended = Wait(resumed);
    alive->Stop();
    status_.AttachVolume(nullptr, nullptr);
    status_.Detach();
    return ended;
  }

 private:
  // A first daemon: the inputs must be right, or nothing is mounted.
  Status Begin() {
    auto inputs = OpenInputs(options_.source, options_.what, Use(signals_.get()));
    CloseInputDescriptors(options_);
    if (!inputs) return Fail(std::move(inputs.error()));
    if (auto valid = CheckView(*inputs, signals_.get()); !valid) return valid;
    if (auto done = Show(std::move(*inputs)); !done) return done;
    SayShortfalls(*served_.volume);
    // First: the command returns at once when the holder hears of it.
    if (!options_.foreground) LeaveStandardStreams();
    if (auto said = channel_.Say(message::Ready()); !said) return said;
    SayServing();
    return {};
  }

  // The first answer about the server is used once.
  Usage Use(int stop_fd) {
    Usage usage{/*follow=*/true, stop_fd};
    usage.server = std::exchange(server_, std::nullopt);
    return usage;
  }

  // A holder that has died meanwhile is no reason to end: readers have nobody else. Wait() finds it
  // gone.
  void SayServing() { static_cast<void>(channel_.Say(message::Serving())); }

  // Serves first; nobody must wait for an input.
  Status Resume() {
    if (!options_.foreground) LeaveStandardStreams();
    auto volume = MountedVolume::Resume(volume_options_, memory_, channel_.TakeMount(),
                                        *served_.loop, served_.lanes);
    if (!volume) return Fail(std::move(volume.error()));
    served_.volume = std::move(*volume);
    status_.SetHolder(channel_.FiguresNow());
    status_.AttachVolume(served_.volume.get(), nullptr);
    LogInfo("another daemon goes on with the mount",
            {{log_keys::kMountPoint, volume_options_.mount_point}});
    SayServing();
    return {};
  }

  Status Show(Inputs inputs) {
    inputs_ = std::move(inputs);
    BindToPod();
    status_.Attach(*inputs_->source, inputs_->pod, inputs_->view);
    volume_options_.source = SourceName(options_, *inputs_);
    auto started = StartUpdates(
        served_, *inputs_, [this](VolumeVersionPtr version, std::string resource_version) {
          return MountedVolume::MountHeld(
              volume_options_, std::move(version), std::move(resource_version), memory_,
              [this] { return channel_.Mount(volume_options_.source); }, *served_.loop,
              served_.lanes);
        });
    if (!started) return started;
    status_.AttachVolume(served_.volume.get(), served_.updater.get());
    return {};
  }

  // A pod that was made again under the same name while no daemon looked is another one.
  void BindToPod() {
    std::string& uid = inputs_->pod.uid;
    if (std::string known = PodUid(); !known.empty()) {
      uid = std::move(known);
    } else if (uid.size() < sizeof memory_->header().pod_uid) {
      std::memcpy(memory_->header().pod_uid, uid.c_str(), uid.size() + 1);
    }
  }

  std::string PodUid() const {
    const char* const known = memory_->header().pod_uid;
    return {known, strnlen(known, sizeof memory_->header().pod_uid)};
  }

  // The age of what is shown goes on over the daemon's death.
  void TakeOverAge() {
    const std::uint32_t at = memory_->header().current_at;
    const std::int64_t now = BootSeconds();
    if (at == 0 || at > now) return;
    status_.SetCurrentAt(std::chrono::steady_clock::now() - std::chrono::seconds(now - at));
  }
  void RecordAge() {
    memory_->Prove();
    const auto age = std::chrono::floor<std::chrono::seconds>(status_.DataAge());
    memory_->header().current_at =
        static_cast<std::uint32_t>(std::max<std::int64_t>(BootSeconds() - age.count(), 1));
  }

  // The inputs of a daemon that goes on may be out of reach for now: it serves what it has.
  void TryInputs(int stop_fd) {
    Usage usage = Use(stop_fd);
    usage.uid = PodUid();
    usage.on_waiting = [this](const std::string& source, const ObjectKey& pod,
                              const std::string& why) {
      status_.SetWaiting(source, pod.ns + "/" + pod.name, why);
    };
    auto inputs = OpenInputs(options_.source, options_.what, std::move(usage));
    Status shown = inputs ? Show(std::move(*inputs)) : Fail(std::move(inputs.error()));
    if (shown) return;
    served_.updater.reset();
    status_.Detach();
    inputs_.reset();
    if (shown.error().code == ErrorCode::kCancelled) return;  // Wait() sees why
    status_.SetWaiting("", "", shown.error().message);
    if (waited_for_ != shown.error().message) {
      waited_for_ = shown.error().message;
      LogWarning("the last content stays; trying again", {{log_keys::kError, waited_for_}});
    }
  }

  Result<int> Wait(bool resumed) {
    const OwnedFd events(epoll_create1(EPOLL_CLOEXEC));
    for (const int fd : {signals_.get(), served_.volume->ended_fd(), channel_.fd()}) {
      epoll_event event = {};
      event.events = EPOLLIN;
      epoll_ctl(events.get(), EPOLL_CTL_ADD, fd, &event);
    }
    for (bool waiting = resumed;;) {
      if (waiting) TryInputs(events.get());
      waiting = waiting && !inputs_;
      pollfd fds[3] = {{signals_.get(), POLLIN, 0},
                       {served_.volume->ended_fd(), POLLIN, 0},
                       {channel_.gone() ? -1 : channel_.fd(), POLLIN, 0}};
      const int timeout = waiting ? static_cast<int>(kInputRetry.count()) : -1;
      if (poll(fds, 3, timeout) < 0 && errno != EINTR) return Fail(ErrnoError(errno, "poll"));
      if (fds[0].revents != 0) {
        static_cast<void>(channel_.Say(message::Stop()));
        return 0;
      }
      if (fds[1].revents != 0) return 0;
      if (fds[2].revents != 0 && channel_.SaysDetached()) served_.volume->Detach();
      if (channel_.gone()) {
        status_.SetHolder(channel_.Figures());
        if (!std::exchange(alone_, true)) {
          LogWarning("the holder is gone; changes are shown by notification, without events");
          served_.volume->GoOnAlone();
        }
        // Or its end would end every waiting for the inputs from now on.
        epoll_ctl(events.get(), EPOLL_CTL_DEL, channel_.fd(), nullptr);
      }
    }
  }

  // The publisher is lost, and the holder, which is to replace it, is stopped or hangs.
  void GoOnIfNobodyHelps() {
    const auto now = std::chrono::steady_clock::now();
    if (!served_.volume->lost_its_helpers()) {
      lost_since_.reset();
      return;
    }
    if (!lost_since_) lost_since_ = now;
    if (helpless_ || now - *lost_since_ < kHolderTakes) return;
    helpless_ = true;
    LogWarning("the publisher is lost and is not replaced; changes are shown by notification");
    served_.volume->GoOnAlone();
  }

  // Tells the holder that this process lives and that requests are answered, and the next daemon
  // how old the content is.
  Result<StoppableThread> SignsOfLife() {
    const bool watched = channel_.watchdog().count() > 0;
    // Three signs within the time in which one is expected.
    const auto pause = watched ? std::max(channel_.watchdog() / 3, milliseconds(1)) : kAgeInterval;
    return StoppableThread::Start("alive", [this, watched, pause](int stop) {
      do {
        RecordAge();
        ReturnFreedMemory();
        GoOnIfNobodyHelps();
        if (!watched) continue;
        static_cast<void>(served_.volume->stats());  // a serving thread needs this lock too
        if (!channel_.Say(message::Alive())) return;
      } while (!IsToStop(stop, static_cast<int>(pause.count())));
    });
  }

  const MountOptions& options_;
  std::optional<ServerConfig> server_;  // until the inputs are opened with it
  HolderChannel channel_;
  const std::shared_ptr<const HandoverMemory> memory_;
  const OwnedFd signals_;
  MountStatus status_;
  MountedVolumeOptions volume_options_;
  std::optional<Inputs> inputs_;
  std::string waited_for_;
  bool alone_ = false;  // without a holder
  // Of the thread `alive`.
  std::optional<std::chrono::steady_clock::time_point> lost_since_;
  bool helpless_ = false;
  ServedMount served_;
};

}  // namespace

bool HasHolder() {
  return std::getenv(kHolderFdVariable) != nullptr;
}

Result<int> RunHeldMount(const MountOptions& options) {
  UseInputOpeners();
  LogOptions log = options.log;
  log.use_syslog = !options.foreground;
  if (!options.log_file_at.empty()) {
    log.file = options.log_file_at;
    log.resolved = true;
  }
  Status logging = SetUpLog(log);
  if (!logging) {
    // A mount that somebody reads needs a daemon more than a file for its log.
    LogOptions other = log;
    other.file.clear();
    if (auto done = SetUpLog(other); !done) return Fail(std::move(done.error()));
  }
  auto server = ResolveServer(options.source);
  ConfineDaemon(server && MayRunProgram(*server), {}, log);
  auto signals = OpenStopSignals();
  if (!signals) return Fail(std::move(signals.error()));
  auto channel = HolderChannel::Open();
  if (!channel) return Fail(std::move(channel.error()));
  const bool resumed = channel->mounted();
  if (!logging && !resumed) return Fail(std::move(logging.error()));
  if (!logging) {
    LogWarning("the log file cannot be opened; the log goes on here",
               {{log_keys::kError, logging.error().message}});
  }
  auto memory = HandoverMemory::Claim(channel->memory());
  // Before there is a mount, whoever mounts is told.
  if (!memory && !resumed) {
    return Fail(std::move(memory.error()), "the handover memory (is ulimit -v too small?)");
  }
  if (!memory) {
    LogError("the handover is refused", {{log_keys::kError, memory.error().message}});
    return kExitHandoverRefused;
  }
  HeldDaemon daemon(options, std::move(server), std::move(*channel),
                    std::make_shared<const HandoverMemory>(std::move(*memory)),
                    std::move(*signals));
  auto ended = daemon.Run();
  if (!ended && resumed && ended.error().code == ErrorCode::kFailedPrecondition) {
    LogError("the handover is refused", {{log_keys::kError, ended.error().message}});
    return kExitHandoverRefused;
  }
  return ended;
}

}  // namespace downwardfs
