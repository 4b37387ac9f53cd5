// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/node_mounter.h"

#include <poll.h>
#include <sys/resource.h>
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

#include "base/system_log.h"
#include "base/text.h"
#include "mount-helper/holder_answers.h"
#include "mount-helper/message_channel.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCheckDelay{100};
constexpr milliseconds kClientsEnd{3000};
constexpr milliseconds kPatience{5000};  // with a peer that does not read
// With a socket that another process may be giving up just now.
constexpr milliseconds kHolderPatience{2000};
constexpr std::size_t kFilesPerVolume = 4;     // three, and some for everything else
constexpr std::size_t kMostRefusalsSaid = 10;  // of one client
constexpr mode_t kPluginMode = 0755;
constexpr mode_t kStateMode = 0700;

}  // namespace

template <class Message>
bool NodeMounter::Send(const Message& message) {
  if (client_ && SendMessage(client_.get(), message, kPatience)) return true;
  if (client_) DropClient("does not read");
  return false;
}

void NodeMounter::DropClient(const char* why) {
  SystemLog(LOG_ERR, "downwardfs: the client %s; it is dropped", why);
  gate_.EndConnection(std::move(client_));
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
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    most_volumes_ = std::clamp<std::size_t>(files.rlim_cur / kFilesPerVolume, 1, kMostVolumes);
  }
  client_ = std::move(options_.channel);
  offers_ = true;
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
    if (!gate_.full()) door_.AddTo(fds);
    if (poll(fds.data(), fds.size(), WaitTime()) < 0 && errno != EINTR) return 1;
    if (fds[0].revents != 0 && !TakeSignals()) {
      end_at_ = std::min(end_at_, Clock::now() + kClientsEnd);
    }
    if (fds[1].revents != 0) TakeMessage();
    if (fds[2].revents != 0) check_at_ = Clock::now() + kCheckDelay;
    if (OwnedFd client = door_.Take(fds, gate_)) Welcome(std::move(client));
    if (Clock::now() >= check_at_) CheckMounts();
    EndStoppedPublishers();
    const bool ending = end_at_ != Clock::time_point::max();
    if (ending && (!client_ || Clock::now() >= end_at_)) break;
  }
  RemoveSockets();
  return 0;
}

int NodeMounter::WaitTime() const {
  const bool checking = check_at_ != Clock::time_point::max();
  int wait = SoonerOf(checking ? static_cast<int>(kCheckDelay.count()) : -1,
                      stopped_.WaitTime(Clock::now()));
  if (end_at_ != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<milliseconds>(end_at_ - Clock::now());
    wait = SoonerOf(wait, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  }
  return wait;
}

// A socket that nobody serves would have the kubelet dial for ever, and keep the driver registered.
// The supervisor's daemon serves those of the plugin as long as it lives.
void NodeMounter::RemoveSockets() const {
  if (!options_.socket.empty()) unlink(options_.socket.c_str());
  if (client_ || !sockets_.csi) return;
  unlink(options_.csi_socket.c_str());
  if (!options_.registration.empty()) unlink(options_.registration.c_str());
}

// False where we are to end.
bool NodeMounter::TakeSignals() {
  signalfd_siginfo info = {};
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGCHLD) return false;
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, StoppedChildren::kWaitFlags)) > 0;) {
      if (stopped_.Take(pid, status, Clock::now())) publishers_.erase(pid);
    }
  }
  return true;
}

void NodeMounter::EndStoppedPublishers() {
  for (const pid_t pid : stopped_.TakeOverdue(Clock::now())) {
    SystemLog(LOG_WARNING, "downwardfs: publisher %d is stopped; it is killed", pid);
    kill(pid, SIGKILL);
  }
}

// If two supervisors live, the first stays; otherwise each would come again and throw the other
// out. The end of a supervisor that has died may not have been read yet.
void NodeMounter::Welcome(OwnedFd client) {
  if (client_) {
    pollfd before = {client_.get(), 0, 0};
    if (poll(&before, 1, 0) == 0) {
      if (!std::exchange(said_refused_, true)) {
        SystemLog(LOG_WARNING, "downwardfs: a second supervisor is refused");
      }
      door_.Refuse(std::move(client), "another supervisor is served", gate_);
      return;
    }
  }
  // It may have left messages that nobody has read.
  if (client_) gate_.EndConnection(std::move(client_));
  client_ = std::move(client);
  offers_ = true;
  messages_ = refusals_ = 0;
  said_refused_ = false;
  offered_.clear();
}

void NodeMounter::SayRefused(const std::string& id, const std::string& why) {
  if (++refusals_ > kMostRefusalsSaid) return;
  SystemLog(LOG_WARNING, "downwardfs: refused: volume %s: %s", QuoteForMessage(id).c_str(),
            OneLine(why).c_str());
}

template <class Answer>
void NodeMounter::SayDone(std::uint64_t serial, Answer answer) {
  if (!answer) ++refusals_;
  Send(DoneWith(serial, std::move(answer)));
}

void NodeMounter::TakeMessage() {
  auto message = ReceiveMessage(client_.get(), gate_, LesserPeer::kClient);
  if (message) {
    ++messages_;
    if (!TakeTurn(*message)) DropClient("sent a message out of turn");
  } else if (message.error().code == ErrorCode::kCancelled) {
    SystemLog(LOG_INFO, "downwardfs: the client has gone after %zu messages, %zu of them refused",
              messages_, refusals_);
    gate_.EndConnection(std::move(client_));
  } else if (message.error().code != ErrorCode::kUnavailable) {
    DropClient(("sent a malformed message (" + OneLine(message.error().message) + ")").c_str());
  }
}

// False for a message that the client may not send now. First it says what it has, then it asks.
bool NodeMounter::TakeTurn(HolderMessage& message) {
  const auto asks = [&](auto& asked, auto answer) {
    if (offers_) return false;
    SayDone(asked.serial, answer(asked));
    return true;
  };
  return std::visit(
      Overloaded{
          [&](message::Hello& hello) { return Take(hello), true; },
          [&](message::Volume& offer) { return offers_ && TakeOffer(offer); },
          [&](message::Sockets& offer) { return TakeOffer(offer); },
          [&](const message::Synced&) {
            return std::exchange(offers_, false) && (Synchronize(), true);
          },
          [&](message::MountVolume& asked) {
            return asks(asked, [&](const auto& request) { return Mount(request); });
          },
          [&](message::UnmountVolume& asked) {
            return asks(asked, [&](const auto& request) { return Unmount(request); });
          },
          [&](message::StartPublisher& asked) {
            return asks(asked, [&](const auto&) { return StartPublisher(); });
          },
          [&](message::FindPodDirectory& asked) {
            return asks(asked, [&](const auto& request) {
              return Result<bool>(PodDirectoryExists(options_.kubelet_dir, request.path));
            });
          },
          [](const auto&) { return false; },
      },
      message);
}

void NodeMounter::Take(message::Hello& hello) {
  offered_.clear();
  offers_ = true;
  if (hello.protocol != kHolderProtocol) DropClient("speaks another protocol");
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
    SystemLog(LOG_ERR, "downwardfs: %s", bound.error().message.c_str());
    dprintf(STDERR_FILENO, "downwardfs-holder: %s\n", bound.error().message.c_str());
  }
  if (sockets_.csi && !Send(sockets_)) return;
  Send(message::Synced());
  check_at_ = Clock::now();
}

}  // namespace downwardfs
