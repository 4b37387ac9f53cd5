// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/node_mounter.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/text.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/publisher_process.h"

namespace downwardfs {
namespace {

using Kind = Message::Kind;
using std::chrono::milliseconds;

constexpr milliseconds kCheckDelay{100};
constexpr milliseconds kPatience{5000};  // with a peer that does not read
constexpr mode_t kStateMode = 0700;

// The mount that is on top at `path`; null where there is none.
const MountEntry* FindOnTop(const std::vector<MountEntry>& mounts, const std::string& path) {
  const MountEntry* top = nullptr;
  for (const MountEntry& mount : mounts) {
    if (mount.mount_point == path) top = &mount;
  }
  return top;
}

}  // namespace

Status NodeMounter::SetUp() {
  auto own = FileSystemSet::Create();
  if (!own) return Fail(std::move(own.error()));
  own_.emplace(std::move(*own));
  auto watch = MountWatch::Open();
  if (!watch) return Fail(std::move(watch.error()));
  watch_.emplace(std::move(*watch));
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&handled, signal);
  sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_.Reset(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return Fail(ErrnoError(errno, "signalfd"));
  if (!options_.state_dir.empty()) {
    if (mkdir(options_.state_dir.c_str(), kStateMode) != 0 && errno != EEXIST) {
      return Fail(ErrnoError(errno, options_.state_dir));
    }
    if (options_.client &&
        lchown(options_.state_dir.c_str(), options_.client->uid, options_.client->gid) != 0) {
      return Fail(ErrnoError(errno, options_.state_dir));
    }
  }
  client_ = std::move(options_.channel);
  if (options_.socket.empty()) return {};
  auto listener = ListenAt(options_.socket, SocketKind::kPackets, options_.client);
  if (!listener) return Fail(std::move(listener.error()));
  listener_ = std::move(*listener);
  return {};
}

int NodeMounter::Run() {
  if (auto done = SetUp(); !done) {
    dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", done.error().message.c_str());
    return 1;
  }
  while (listener_ || client_) {
    const bool checking = check_at_ != Clock::time_point::max();
    pollfd fds[4] = {{signals_.get(), POLLIN, 0},
                     {listener_ ? listener_.get() : -1, POLLIN, 0},
                     {client_ ? client_.get() : -1, POLLIN, 0},
                     {checking || volumes_.empty() ? -1 : watch_->fd(), POLLPRI, 0}};
    const int wait = checking ? static_cast<int>(kCheckDelay.count()) : -1;
    if (poll(fds, 4, wait) < 0 && errno != EINTR) return 1;
    if (fds[0].revents != 0 && !TakeSignals()) return 0;
    if (fds[1].revents != 0) Accept();
    if (fds[2].revents != 0) TakeMessage();
    if (fds[3].revents != 0) check_at_ = Clock::now() + kCheckDelay;
    if (Clock::now() >= check_at_) CheckMounts();
  }
  return 0;
}

// False where we are to end.
bool NodeMounter::TakeSignals() {
  signalfd_siginfo info = {};
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGCHLD) return false;
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  return true;
}

void NodeMounter::Accept() {
  OwnedFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) return;
  const auto user = PeerUser(connection.get());
  if (!user || (*user != 0 && (!options_.client || *user != options_.client->uid))) {
    syslog(LOG_WARNING, "downwardfs: user %u may not connect", user ? *user : ~0u);
    return;
  }
  client_ = std::move(connection);  // the one before is gone, or is to go
  offered_.clear();
}

bool NodeMounter::Send(const Message& message) {
  if (client_ && SendMessage(client_.get(), message, kPatience)) return true;
  client_.Reset();
  return false;
}

void NodeMounter::TakeMessage() {
  auto message = ReceiveMessage(client_.get());
  if (!message) {
    if (message.error().code == ErrorCode::kInvalidArgument) {
      syslog(LOG_ERR, "downwardfs: the client says what is no message; it is dropped");
    }
    if (message.error().code != ErrorCode::kUnavailable) client_.Reset();
    return;
  }
  switch (message->kind) {
    case Kind::kHello:
      offered_.clear();
      if (message->number(0) != kHolderProtocol) {
        syslog(LOG_ERR, "downwardfs: the client speaks another protocol");
        client_.Reset();
      }
      break;
    case Kind::kVolume:
      Adopt(std::move(*message));
      break;
    case Kind::kSockets:
      if (!csi_ && message->fds.size() == 2) {
        csi_ = std::move(message->fds[0]);
        registration_ = std::move(message->fds[1]);
      }
      break;
    case Kind::kSynced:
      Synchronize();
      break;
    case Kind::kMountVolume:
      Answer(*message, Mount(*message));
      break;
    case Kind::kUnmountVolume:
      Answer(*message, Unmount(*message));
      break;
    case Kind::kWorker:
      Answer(*message, StartWorker());
      break;
    case Kind::kLook:
      Answer(*message, Look(*message));
      break;
    default:
      break;
  }
}

void NodeMounter::Answer(const Message& request, Result<Message> answer) {
  Message done;
  if (answer) {
    done = std::move(*answer);
    done.numbers.insert(done.numbers.begin(), {request.number(0), 0});
  } else {
    done.numbers = {request.number(0), 1 + static_cast<std::uint64_t>(answer.error().code)};
    done.text = answer.error().message;
  }
  done.kind = Kind::kDone;
  Send(done);
}

// What the client holds and we do not (any more): another mounter has made it. Nothing of it is
// taken for granted: it must be mounted at such a place, as one of ours.
void NodeMounter::Adopt(Message offer) {
  auto taken = TakeVolume(std::move(offer));
  if (!taken) return;
  const std::string id = taken->first;
  HeldVolume& volume = taken->second;
  offered_.insert(id);
  if (volumes_.count(id) != 0) return;
  auto memory = HandoverMemory::Map(volume.memory.get());
  const auto mounts = watch_->Read();
  const auto place = VolumePlace::Open(options_.kubelet_dir, volume.path);
  auto path = place ? place->RealPath() : Result<std::string>("");
  const bool good =
      memory && mounts && path && volume.view &&
      FileSystemOf(volume.view.get()) == volume.file_system &&
      std::any_of(mounts->begin(), mounts->end(), [&, at = *path](const MountEntry& mount) {
        return mount.mount_point == at && IsDownwardfs(mount) && mount.device == volume.file_system;
      });
  if (!good) {
    syslog(LOG_WARNING, "downwardfs: volume %s is mounted no longer", id.c_str());
    Message gone;
    gone.kind = Kind::kDetached;
    gone.text = id;
    Send(gone);
    return;
  }
  own_->Add(volume.file_system);
  volumes_[id] = std::move(volume);
}

void NodeMounter::Synchronize() {
  for (const auto& [id, volume] : volumes_) {
    if (offered_.count(id) != 0) continue;
    auto message = VolumeMessage(id, volume);
    if (!message || !Send(*message)) return;
  }
  if (auto bound = BindSockets(); !bound) {
    syslog(LOG_ERR, "downwardfs: %s", bound.error().message.c_str());
  }
  Message message;
  if (csi_) {
    message.kind = Kind::kSockets;
    message.fds.push_back(Duplicate(csi_));
    if (registration_) message.fds.push_back(Duplicate(registration_));
    if (!Send(message)) return;
  }
  message = Message();
  message.kind = Kind::kSynced;
  Send(message);
  check_at_ = Clock::now();
}

// Once, for as long as we or the client live: a socket that disappears from the kubelet's
// plugins_registry deregisters the driver.
Status NodeMounter::BindSockets() {
  if (csi_ || options_.csi_socket.empty()) return {};
  auto csi = ListenAt(options_.csi_socket, SocketKind::kStream, options_.client);
  if (!csi) return Fail(std::move(csi.error()));
  if (!options_.registration.empty()) {
    auto registration = ListenAt(options_.registration, SocketKind::kStream, options_.client);
    if (!registration) return Fail(std::move(registration.error()));
    registration_ = std::move(*registration);
  }
  csi_ = std::move(*csi);
  return {};
}

// Makes sure that nothing is mounted at the place. Of ours, what another mounter and its daemon
// have left is dead: nobody has its device. Something else is somebody's.
Status NodeMounter::ClearPlace(const VolumePlace& place, bool ours_may_be_there) {
  auto path = place.RealPath();
  if (!path) return Fail(std::move(path.error()));
  for (;;) {
    // The table has a line for every volume of the node; it is read where it must be.
    const auto there = place.MountedThere();
    if (there && there->empty()) return {};
    if (there && ours_may_be_there && own_->Has(*there)) {
      if (auto done = place.Detach(); !done) return done;
      continue;
    }
    const auto mounts = watch_->Read();
    if (!mounts) return Fail(ErrorCode::kInternal, "the mount table cannot be read");
    const MountEntry* const top = FindOnTop(*mounts, *path);
    if (top == nullptr) return {};
    if (!IsDownwardfs(*top) || !ours_may_be_there) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "target_path " + QuoteForMessage(*path) + ": " + top->fs_type +
                      " is mounted there, which is not this volume's");
    }
    if (auto done = place.Detach(); !done) return done;
  }
}

Result<Message> NodeMounter::Mount(const Message& request) {
  const auto fields = SplitFields(request.text);
  if (fields.size() < 3 || fields[0].empty() || request.fds.size() != 1) {
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a request to mount");
  }
  const std::string& id = fields[0];
  if (volumes_.count(id) != 0) {
    return Fail(ErrorCode::kAlreadyExists, "volume " + id + ": is mounted already");
  }
  auto memory = HandoverMemory::Map(request.fds[0].get());
  if (!memory) return Fail(std::move(memory.error()));
  auto place = VolumePlace::Open(options_.kubelet_dir, fields[1]);
  if (!place) return Fail(std::move(place.error()));
  if (auto clear = ClearPlace(*place, request.number(1) != 0); !clear) {
    return Fail(std::move(clear.error()));
  }
  auto target = place->OpenTarget();
  if (!target) return Fail(std::move(target.error()));
  FuseMountOptions options;
  options.mount_point = fields[1];
  options.directory = target->get();
  options.source = fields[2];
  options.allow_other = true;
  if (fields.size() > 3) options.selinux_context = fields[3];
  auto mount = MountFuse(options);
  if (!mount) {
    static_cast<void>(place->RemoveTarget());
    return Fail(std::move(mount.error()));
  }
  HeldVolume& volume = volumes_[id];
  volume.path = fields[1];
  volume.file_system = mount->file_system;
  volume.device = std::move(mount->device);
  volume.view = std::move(mount->view);
  volume.memory = Duplicate(request.fds[0]);
  own_->Add(volume.file_system);
  Message done;
  done.text = volume.file_system;
  done.fds.push_back(Duplicate(volume.device));
  if (volume.view) done.fds.push_back(Duplicate(volume.view));
  return done;
}

Result<Message> NodeMounter::Unmount(const Message& request) {
  const auto fields = SplitFields(request.text);
  if (fields.size() != 2) {
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a request to unmount");
  }
  auto place = VolumePlace::Open(options_.kubelet_dir, fields[1]);
  const bool absent = !place && place.error().code == ErrorCode::kNotFound;
  if (!place && !absent) return Fail(std::move(place.error()));
  if (!absent) {
    if (auto clear = ClearPlace(*place, true); !clear) return Fail(std::move(clear.error()));
    if (auto removed = place->RemoveTarget(); !removed) return Fail(std::move(removed.error()));
  }
  if (const auto volume = volumes_.find(fields[0]);
      volume != volumes_.end() && volume->second.path == fields[1]) {
    own_->Remove(volume->second.file_system);
    volumes_.erase(volume);
  }
  return Message();
}

Result<Message> NodeMounter::StartWorker() {
  auto process = PublisherProcess::StartShared(*own_);
  if (!process) return Fail(std::move(process.error()));
  auto connection = process->Connect();
  if (!connection) return Fail(std::move(connection.error()));
  Message done;
  done.fds.push_back(std::move(*connection));
  return done;  // it ends with its connection
}

Result<Message> NodeMounter::Look(const Message& request) const {
  Message done;
  done.numbers = {PodDirectoryExists(options_.kubelet_dir, request.text) ? 1u : 0u};
  return done;
}

void NodeMounter::CheckMounts() {
  check_at_ = Clock::time_point::max();
  const auto mounts = watch_->Read();
  if (!mounts) return;
  std::set<std::string> present;
  for (const MountEntry& mount : *mounts) present.insert(mount.device);
  for (auto& [id, volume] : volumes_) {
    if (!volume.mounted || present.count(volume.file_system) != 0) continue;
    volume.mounted = false;
    // Without this it would live on: the view is a mount too, in no table.
    volume.view.Reset();
    own_->Remove(volume.file_system);
    Message message;
    message.kind = Kind::kDetached;
    message.text = id;
    if (client_) Send(message);
  }
}

}  // namespace downwardfs
