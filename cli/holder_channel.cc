// SPDX-License-Identifier: Apache-2.0
#include "cli/holder_channel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace downwardfs {
namespace {

using Kind = Message::Kind;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{10000};  // with a holder that has much to do
constexpr std::size_t kFixedNumbers = 7;  // of kAttach, before those that there may be many of

HeldMount Held(Message& message, std::size_t first, std::uint64_t id) {
  HeldMount mount;
  mount.mount_id = static_cast<int>(id);
  if (message.fds.size() > first) mount.device = std::move(message.fds[first]);
  if (message.fds.size() > first + 1) mount.publisher = std::move(message.fds[first + 1]);
  return mount;
}

}  // namespace

Result<HolderChannel> HolderChannel::Open() {
  HolderChannel channel;
  const char* const number = std::getenv(kHolderFdVariable);  // NOLINT(concurrency-mt-unsafe)
  if (number == nullptr) return Fail(ErrorCode::kFailedPrecondition, "there is no holder");
  channel.fd_.Reset(std::atoi(number));
  unsetenv(kHolderFdVariable);
  fcntl(channel.fd_.get(), F_SETFD, FD_CLOEXEC);
  if (auto sent = channel.Say(Kind::kHello, {kHolderProtocol}); !sent) {
    return Fail(std::move(sent.error()));
  }
  auto attach = ReceiveMessage(channel.fd_.get());
  if (!attach) return Fail(std::move(attach.error()));
  if (attach->kind != Kind::kAttach || attach->fds.empty() ||
      attach->numbers.size() < kFixedNumbers) {
    return Fail(ErrorCode::kInvalidArgument, "the holder says what is not expected");
  }
  channel.attach_ = std::move(*attach);
  return channel;
}

MountStatus::Holder HolderChannel::Figures() const {
  // Without a holder the number of its process may be anybody's.
  return {gone_ ? 0 : getppid(), attach_.number(0), attach_.number(1), attach_.number(2),
          attach_.number(3)};
}

MountStatus::Holder HolderChannel::FiguresNow() const {
  MountStatus::Holder figures = Figures();
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
  for (std::size_t i = kFixedNumbers; i < attach_.numbers.size(); ++i) {
    if ((attach_.numbers[i] & kSinceBit) == 0) continue;
    const std::chrono::nanoseconds since(attach_.numbers[i] & ~kSinceBit);
    const auto stall = std::chrono::duration_cast<std::chrono::microseconds>(now - since);
    figures.last_handover_us = static_cast<std::uint64_t>(std::max<std::int64_t>(stall.count(), 0));
    figures.longest_handover_us = std::max(figures.longest_handover_us, figures.last_handover_us);
  }
  return figures;
}

Handover HolderChannel::MakeHandover(const HandoverMemory& memory) const {
  Handover handover;
  handover.memory = &memory;
  handover.resend = attach_.number(5) != 0;
  std::copy_if(attach_.numbers.begin() + kFixedNumbers, attach_.numbers.end(),
               std::back_inserter(handover.poison),
               [](std::uint64_t number) { return (number & kSinceBit) == 0; });
  return handover;
}

HeldMount HolderChannel::TakeMount() {
  return Held(attach_, 1, attach_.number(4));
}

Result<HeldMount> HolderChannel::Mount(const std::string& source) const {
  Message request;
  request.kind = Kind::kMount;
  request.text = source;
  if (auto sent = SendMessage(fd_.get(), request, kPatience); !sent)
    return Fail(std::move(sent.error()));
  auto answer = ReceiveMessage(fd_.get());
  if (!answer) return Fail(std::move(answer.error()));
  if (answer->kind == Kind::kRefused) {
    return Fail(ErrorCode::kFailedPrecondition, answer->text);
  }
  if (answer->kind != Kind::kMounted || answer->fds.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the holder says what is not expected");
  }
  return Held(*answer, 0, answer->number(0));
}

Status HolderChannel::Say(Kind kind, std::vector<std::uint64_t> numbers) const {
  Message message;
  message.kind = kind;
  message.numbers = std::move(numbers);
  return SendMessage(fd_.get(), message, kPatience);
}

bool HolderChannel::SaysDetached() {
  auto message = ReceiveMessage(fd_.get());
  if (!message) gone_ = true;  // we serve as long as we live
  return message && message->kind == Kind::kDetached;
}

}  // namespace downwardfs
