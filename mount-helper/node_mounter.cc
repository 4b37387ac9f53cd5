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

#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_answers.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/mount_identity.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCheckDelay{100};
constexpr milliseconds kPatience{5000};  // with a peer that does not read
// With a socket that another process may be giving up just now.
constexpr milliseconds kHolderPatience{2000};
constexpr milliseconds kSocketPatience{10000};
constexpr mode_t kPluginMode = 0755;
constexpr mode_t kStateMode = 0700;

}  // namespace

template <class Message>
bool NodeMounter::Send(const Message& message) {
  if (client_ && SendMessage(client_.get(), message, kPatience)) return true;
  client_.Reset();
  return false;
}

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
  if (auto made = MakeDirectories(); !made) return made;
  client_ = std::move(options_.channel);
  if (options_.socket.empty()) return {};
  auto listener = ListenAt(options_.socket, SocketKind::kPackets, options_.client, kHolderPatience);
  if (!listener) return Fail(std::move(listener.error()));
  door_ = ClientDoor(std::move(*listener), options_.client);
  return {};
}

Status NodeMounter::MakeDirectories() const {
  const std::string& plugin = options_.plugin_dir;
  if (!plugin.empty() && mkdir(plugin.c_str(), kPluginMode) != 0 && errno != EEXIST) {
    return Fail(ErrnoError(errno, plugin));
  }
  const std::string& state = options_.state_dir;
  if (state.empty()) return {};
  if (mkdir(state.c_str(), kStateMode) != 0 && errno != EEXIST) {
    return Fail(ErrnoError(errno, state));
  }
  if (options_.client && lchown(state.c_str(), options_.client->uid, options_.client->gid) != 0) {
    return Fail(ErrnoError(errno, state));
  }
  return {};
}

int NodeMounter::Run() {
  if (auto done = SetUp(); !done) {
    dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", done.error().message.c_str());
    return 1;
  }
  while (door_.open() || client_) {
    const bool checking = check_at_ != Clock::time_point::max();
    std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0},
                               {client_ ? client_.get() : -1, POLLIN, 0},
                               {checking || volumes_.empty() ? -1 : watch_->fd(), POLLPRI, 0}};
    door_.AddTo(fds);
    const int wait = checking ? static_cast<int>(kCheckDelay.count()) : -1;
    if (poll(fds.data(), fds.size(), wait) < 0 && errno != EINTR) return 1;
    if (fds[0].revents != 0 && !TakeSignals()) return 0;
    if (fds[1].revents != 0) TakeMessage();
    if (fds[2].revents != 0) check_at_ = Clock::now() + kCheckDelay;
    if (OwnedFd client = door_.Take(fds)) Welcome(std::move(client));
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

// If two supervisors live, the first stays; otherwise each would come again and throw the other
// out. The end of a supervisor that has died may not have been read yet.
void NodeMounter::Welcome(OwnedFd client) {
  if (client_) {
    pollfd before = {client_.get(), 0, 0};
    if (poll(&before, 1, 0) == 0) {
      if (!std::exchange(said_refused_, true)) {
        syslog(LOG_WARNING, "downwardfs: a second supervisor is refused");
      }
      door_.Refuse(std::move(client), "another supervisor is served");
      return;
    }
  }
  client_ = std::move(client);
  said_refused_ = false;
  offered_.clear();
}

void NodeMounter::TakeMessage() {
  auto message = ReceiveMessage(client_.get());
  if (!message) {
    if (message.error().code == ErrorCode::kInvalidArgument) {
      syslog(LOG_ERR, "downwardfs: the client sent a malformed message; it is dropped");
    }
    if (message.error().code != ErrorCode::kUnavailable) client_.Reset();
    return;
  }
  std::visit(
      Overloaded{
          [this](message::Hello& hello) { Take(hello); },
          [this](message::Volume& offer) { Take(offer); },
          [this](message::Sockets& sockets) { Take(sockets); },
          [this](const message::Synced&) { Synchronize(); },
          [this](const message::MountVolume& asked) { Send(DoneWith(asked.serial, Mount(asked))); },
          [this](const message::UnmountVolume& asked) {
            Send(DoneWith(asked.serial, Unmount(asked)));
          },
          [this](const message::StartPublisher& asked) {
            Send(DoneWith(asked.serial, StartPublisher()));
          },
          [this](const message::FindPodDirectory& asked) {
            const bool there = PodDirectoryExists(options_.kubelet_dir, asked.path);
            Send(DoneWith(asked.serial, Result<bool>(there)));
          },
          [](const auto&) {},
      },
      *message);
}

void NodeMounter::Take(message::Hello& hello) {
  offered_.clear();
  if (hello.protocol == kHolderProtocol) return;
  syslog(LOG_ERR, "downwardfs: the client speaks another protocol");
  client_.Reset();
}

void NodeMounter::Take(message::Sockets& sockets) {
  if (!sockets_.csi && sockets.registration) sockets_ = std::move(sockets);
}

// The client has a volume that we do not know (any more): an earlier mounter has mounted it. We
// trust no part of the offer: the volume must be mounted at a volume's place, as one of ours.
void NodeMounter::Take(message::Volume& offer) {
  FuseMount& volume = offer.mount;
  const std::string id = volume.id;
  offered_.insert(id);
  if (const auto known = volumes_.find(id); known != volumes_.end()) {
    // It went, or became another one, while there was nobody to tell.
    if (!known->second.mounted || known->second.file_system != volume.file_system) SayDetached(id);
    return;
  }
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
    SayDetached(id);
    return;
  }
  own_->Add(volume.file_system);
  volumes_[id] = std::move(volume);
}

void NodeMounter::SayDetached(const std::string& id) {
  if (client_) Send(message::Detached{id});
}

void NodeMounter::Synchronize() {
  for (const auto& [id, volume] : volumes_) {
    if (offered_.count(id) != 0) continue;
    auto copy = CopyOf(volume);
    if (!copy || !Send(message::Volume{std::move(*copy)})) return;
  }
  if (auto bound = BindSockets(); !bound) {
    syslog(LOG_ERR, "downwardfs: %s", bound.error().message.c_str());
    dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", bound.error().message.c_str());
  }
  if (sockets_.csi && !Send(sockets_)) return;
  Send(message::Synced());
  check_at_ = Clock::now();
}

// Binds once, for as long as we or the client live: a socket that disappears from the kubelet's
// plugins_registry deregisters the driver.
Status NodeMounter::BindSockets() {
  if (sockets_.csi || options_.csi_socket.empty()) return {};
  auto csi = ListenAt(options_.csi_socket, SocketKind::kStream, options_.client, kSocketPatience);
  if (!csi) return Fail(std::move(csi.error()));
  if (!options_.registration.empty()) {
    auto registration =
        ListenAt(options_.registration, SocketKind::kStream, options_.client, kSocketPatience);
    if (!registration) return Fail(std::move(registration.error()));
    sockets_.registration = std::move(*registration);
  }
  sockets_.csi = std::move(*csi);
  return {};
}

}  // namespace downwardfs
