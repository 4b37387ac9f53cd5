// SPDX-License-Identifier: Apache-2.0
#include "csi/holder_client.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "mount-helper/holder_answers.h"

namespace downwardfs {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

template <class Message>
Status HolderClient::Send(const Message& message) {
  MutexLock lock(send_mutex_);
  return SendMessage(channel_.get(), message, kPatience);
}

template <class Request>
Result<message::Done> HolderClient::Call(Request request) {
  const auto waiting = std::make_shared<Waiting>();
  {
    MutexLock lock(mutex_);
    if (gone_) return std::move(waiting->answer);
    request.serial = next_serial_++;
    waiting_[request.serial] = waiting;
  }
  if (auto sent = Send(request); !sent) {
    MutexLock lock(mutex_);
    waiting_.erase(request.serial);
    return Fail(std::move(sent.error()));
  }
  MutexLock lock(mutex_);
  // No answer would mean a supervisor that hangs; whoever waits for us gives up by then.
  const auto deadline = std::chrono::steady_clock::now() + 3 * kPatience;
  while (!waiting->answered && answered_.WaitUntil(mutex_, deadline)) {
  }
  waiting_.erase(request.serial);
  return std::move(waiting->answer);
}

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
  if (auto sent = client->Send(message::Hello()); !sent) return Fail(std::move(sent.error()));
  if (auto received = client->Receive(); !received) return Fail(std::move(received.error()));
  return client;
}

HolderClient::~HolderClient() {
  Stop();
}

// Takes all that the supervisor has, up to Synced.
Status HolderClient::Receive() {
  for (;;) {
    auto message = ReceiveMessage(channel_.get());
    if (!message) return Fail(std::move(message.error()));
    if (auto* const attach = std::get_if<message::Attach>(&*message)) {
      const DaemonFigures& figures = attach->figures;
      life_ = std::move(attach->mount.memory);
      figures_ = {getppid(), figures.generation, figures.deaths, figures.last_handover_us,
                  figures.longest_handover_us};
      resend_ = attach->resend;
      watchdog_ = attach->watchdog;
    } else if (auto* const volume = std::get_if<message::Volume>(&*message)) {
      volumes_.push_back(std::move(volume->mount));
    } else if (auto* const sockets = std::get_if<message::Sockets>(&*message)) {
      sockets_ = std::move(*sockets);
    } else if (const auto* const synced = std::get_if<message::Synced>(&*message)) {
      mounter_away_ = synced->mounter_away;
      return {};
    }
  }
}

Status HolderClient::Start(Events events) {
  events_ = std::move(events);
  auto thread = StoppableThread::Start("csi-holder", [this](int stop) { Listen(stop); });
  if (!thread) return Fail(std::move(thread.error()));
  thread_ = std::move(*thread);
  return {};
}

void HolderClient::Listen(int stop) {
  while (AwaitInput(channel_.get(), stop)) {
    auto message = ReceiveMessage(channel_.get());
    if (!message && message.error().code == ErrorCode::kUnavailable) continue;
    if (!message) {
      // Its parent is gone, and so will this process be; until then it serves.
      LogError("the supervisor is gone", {{log_keys::kError, message.error().message}});
      if (events_.gone) events_.gone();
      break;
    }
    Take(*message);
  }
  MutexLock lock(mutex_);
  gone_ = true;
  for (const auto& [serial, waiting] : waiting_) waiting->answered = true;
  answered_.NotifyAll();
}

void HolderClient::Take(HolderMessage& message) {
  std::visit(Overloaded{
                 [this](message::Done& answer) { TakeAnswer(std::move(answer)); },
                 [this](const message::Detached& detached) {
                   if (events_.detached) events_.detached(detached.id);
                 },
                 [this](const message::Synced& synced) { mounter_away_ = synced.mounter_away; },
                 [this](message::Volume& volume) {
                   if (events_.handed) events_.handed(std::move(volume.mount));
                 },
                 [](const auto&) {},
             },
             message);
}

void HolderClient::TakeAnswer(message::Done answer) {
  MutexLock lock(mutex_);
  const auto found = waiting_.find(answer.serial);
  if (found == waiting_.end()) return;
  Waiting& waiting = *found->second;
  waiting.answered = true;
  if (answer.error) {
    waiting.answer = Fail(std::move(*answer.error));
  } else {
    waiting.answer = std::move(answer);
  }
  waiting_.erase(found);
  answered_.NotifyAll();
}

Status HolderClient::SayServing() {
  return Send(message::Serving());
}

Status HolderClient::SayAlive() {
  return Send(message::Alive());
}

Result<FuseMount> HolderClient::Mount(const std::string& id, const std::string& path,
                                      const std::string& source, const OwnedFd& memory,
                                      bool replace) {
  message::MountVolume request;
  request.replace = replace;
  request.id = id;
  request.path = path;
  request.source = source;
  request.memory = Duplicate(memory);
  auto answer = Call(std::move(request));
  if (!answer) return Fail(std::move(answer.error()));
  return MountIn(*answer);
}

Status HolderClient::Unmount(const std::string& id, const std::string& path, bool ours) {
  message::UnmountVolume request;
  request.ours = ours;
  request.id = id;
  request.path = path;
  auto answer = Call(std::move(request));
  if (!answer) return Fail(std::move(answer.error()));
  return {};
}

Result<OwnedFd> HolderClient::NewPublisher() {
  auto answer = Call(message::StartPublisher());
  if (!answer) return Fail(std::move(answer.error()));
  return ConnectionIn(std::move(*answer));
}

Result<bool> HolderClient::PodDirectoryExists(const std::string& path) {
  message::FindPodDirectory request;
  request.path = path;
  auto answer = Call(std::move(request));
  if (!answer) return Fail(std::move(answer.error()));
  return YesIn(std::move(*answer));
}

}  // namespace downwardfs
