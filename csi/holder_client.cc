// SPDX-License-Identifier: Apache-2.0
#include "csi/holder_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"

namespace downwardfs {
namespace {

using Kind = Message::Kind;

constexpr std::chrono::seconds kPatience{10};

HandedVolume Handed(std::pair<std::string, HeldVolume> taken,
                    const std::vector<std::uint64_t>& numbers) {
  HandedVolume handed;
  handed.id = std::move(taken.first);
  handed.volume = std::move(taken.second);
  if (numbers.size() > 1) handed.poison.assign(numbers.begin() + 1, numbers.end());
  return handed;
}

}  // namespace

Result<std::unique_ptr<HolderClient>> HolderClient::Open() {
  const char* const number = std::getenv(kHolderFdVariable);  // NOLINT(concurrency-mt-unsafe)
  if (number == nullptr) {
    return Fail(ErrorCode::kFailedPrecondition,
                "downwardfs-csi is started by `downwardfs csi`, not by people");
  }
  OwnedFd channel(std::atoi(number));
  unsetenv(kHolderFdVariable);  // NOLINT(concurrency-mt-unsafe): no thread exists yet
  fcntl(channel.get(), F_SETFD, FD_CLOEXEC);
  std::unique_ptr<HolderClient> client(new HolderClient(std::move(channel)));
  client->stop_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!client->stop_) return Fail(ErrnoError(errno, "eventfd"));
  Message hello;
  hello.kind = Kind::kHello;
  hello.numbers = {kHolderProtocol};
  if (auto sent = client->Send(hello); !sent) return Fail(std::move(sent.error()));
  if (auto received = client->Receive(); !received) return Fail(std::move(received.error()));
  return client;
}

HolderClient::~HolderClient() {
  Stop();
}

// What the supervisor has, up to kSynced.
Status HolderClient::Receive() {
  for (;;) {
    auto message = ReceiveMessage(channel_.get());
    if (!message) return Fail(std::move(message.error()));
    switch (message->kind) {
      case Kind::kAttach:
        if (message->fds.empty() || message->numbers.size() < 7) {
          return Fail(ErrorCode::kInvalidArgument, "the holder says what is not expected");
        }
        life_ = std::move(message->fds[0]);
        figures_ = {getppid(), message->number(0), message->number(1), message->number(2),
                    message->number(3)};
        resend_ = message->number(5) != 0;
        watchdog_ = std::chrono::milliseconds(message->number(6));
        break;
      case Kind::kVolume: {
        const auto numbers = message->numbers;
        auto taken = TakeVolume(std::move(*message));
        if (!taken) return Fail(std::move(taken.error()));
        volumes_.push_back(Handed(std::move(*taken), numbers));
        break;
      }
      case Kind::kSockets:
        if (!message->fds.empty()) csi_socket_ = std::move(message->fds[0]);
        if (message->fds.size() > 1) registration_socket_ = std::move(message->fds[1]);
        break;
      case Kind::kSynced:
        mounter_away_ = message->number(0) != 0;
        return {};
      default:
        break;
    }
  }
}

void HolderClient::Start(Events events) {
  events_ = std::move(events);
  thread_ = WorkerThread("csi-holder", [this] { Listen(); });
}

void HolderClient::Stop() {
  eventfd_write(stop_.get(), 1);
  thread_.Join();
}

void HolderClient::Listen() {
  for (;;) {
    pollfd fds[2] = {{channel_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) break;
    if (fds[0].revents == 0) continue;
    auto message = ReceiveMessage(channel_.get());
    if (!message && message.error().code == ErrorCode::kUnavailable) continue;
    if (!message) {
      // Its parent is gone, and so will this process be; until then it serves.
      LogError("the supervisor is gone", {{log_keys::kError, message.error().message}});
      if (events_.gone) events_.gone();
      break;
    }
    if (message->kind == Kind::kDone) {
      TakeAnswer(std::move(*message));
    } else if (message->kind == Kind::kDetached && events_.detached) {
      events_.detached(message->text);
    } else if (message->kind == Kind::kSynced) {
      mounter_away_ = message->number(0) != 0;
    } else if (message->kind == Kind::kVolume && events_.handed) {
      const auto numbers = message->numbers;
      if (auto taken = TakeVolume(std::move(*message))) {
        events_.handed(Handed(std::move(*taken), numbers));
      }
    }
  }
  MutexLock lock(mutex_);
  gone_ = true;
  for (const auto& [serial, waiting] : waiting_) waiting->answered = true;
  answered_.NotifyAll();
}

void HolderClient::TakeAnswer(Message answer) {
  MutexLock lock(mutex_);
  const auto found = waiting_.find(answer.number(0));
  if (found == waiting_.end()) return;
  Waiting& waiting = *found->second;
  waiting.answered = true;
  if (answer.number(1) == 0) {
    waiting.answer = std::move(answer);
  } else {
    waiting.answer = Fail(static_cast<ErrorCode>(answer.number(1) - 1), std::move(answer.text));
  }
  waiting_.erase(found);
  answered_.NotifyAll();
}

Status HolderClient::Send(const Message& message) {
  MutexLock lock(send_mutex_);
  return SendMessage(channel_.get(), message, kPatience);
}

Result<Message> HolderClient::Call(Message request) {
  const auto waiting = std::make_shared<Waiting>();
  {
    MutexLock lock(mutex_);
    if (gone_) return std::move(waiting->answer);
    const std::uint64_t serial = next_serial_++;
    request.numbers.insert(request.numbers.begin(), serial);
    waiting_[serial] = waiting;
  }
  if (auto sent = Send(request); !sent) {
    MutexLock lock(mutex_);
    waiting_.erase(request.number(0));
    return Fail(std::move(sent.error()));
  }
  MutexLock lock(mutex_);
  // No answer would mean a supervisor that hangs; whoever waits for us gives up by then.
  const auto deadline = std::chrono::steady_clock::now() + 3 * kPatience;
  while (!waiting->answered && answered_.WaitUntil(mutex_, deadline)) {
  }
  waiting_.erase(request.number(0));
  return std::move(waiting->answer);
}

Status HolderClient::SayServing() {
  Message message;
  message.kind = Kind::kServing;
  return Send(message);
}

Status HolderClient::SayAlive() {
  Message message;
  message.kind = Kind::kAlive;
  return Send(message);
}

Result<HolderClient::Mounted> HolderClient::Mount(const std::string& id, const std::string& path,
                                                  const std::string& source, int memory,
                                                  bool replace) {
  Message request;
  request.kind = Kind::kMountVolume;
  request.numbers = {replace ? 1u : 0u};
  request.text = JoinFields({id, path, source});
  request.fds.emplace_back(fcntl(memory, F_DUPFD_CLOEXEC, 0));
  auto answer = Call(std::move(request));
  if (!answer) return Fail(std::move(answer.error()));
  if (answer->fds.empty()) return Fail(ErrorCode::kInternal, "the holder sent no device");
  Mounted mounted;
  mounted.file_system = answer->text;
  mounted.device = std::move(answer->fds[0]);
  if (answer->fds.size() > 1) mounted.view = std::move(answer->fds[1]);
  return mounted;
}

Status HolderClient::Unmount(const std::string& id, const std::string& path, bool ours) {
  Message request;
  request.kind = Kind::kUnmountVolume;
  request.numbers = {ours ? 1u : 0u};
  request.text = JoinFields({id, path});
  auto answer = Call(std::move(request));
  if (!answer) return Fail(std::move(answer.error()));
  return {};
}

Result<OwnedFd> HolderClient::NewWorker() {
  Message request;
  request.kind = Kind::kWorker;
  auto answer = Call(std::move(request));
  if (!answer) return Fail(std::move(answer.error()));
  if (answer->fds.empty()) return Fail(ErrorCode::kInternal, "the holder sent no connection");
  return std::move(answer->fds[0]);
}

Result<bool> HolderClient::PodDirectoryExists(const std::string& path) {
  Message request;
  request.kind = Kind::kLook;
  request.text = path;
  auto answer = Call(std::move(request));
  if (!answer) return Fail(std::move(answer.error()));
  return answer->number(2) != 0;
}

}  // namespace downwardfs
