// SPDX-License-Identifier: Apache-2.0
#include "cli/holder_channel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace downwardfs {
namespace {

tl::unexpected<Error> Unexpected() {
  return Fail(ErrorCode::kInvalidArgument, "the holder says what is not expected");
}

}  // namespace

Result<HolderChannel> HolderChannel::Open() {
  HolderChannel channel;
  const char* const number = std::getenv(kHolderFdVariable);  // NOLINT(concurrency-mt-unsafe)
  if (number == nullptr) return Fail(ErrorCode::kFailedPrecondition, "there is no holder");
  channel.fd_.Reset(std::atoi(number));
  unsetenv(kHolderFdVariable);
  fcntl(channel.fd_.get(), F_SETFD, FD_CLOEXEC);
  if (auto sent = channel.Say(message::Hello()); !sent) return Fail(std::move(sent.error()));
  auto answer = ReceiveMessage(channel.fd_.get());
  if (!answer) return Fail(std::move(answer.error()));
  auto* const attach = std::get_if<message::Attach>(&*answer);
  if (attach == nullptr) return Unexpected();
  channel.attach_ = std::move(*attach);
  return channel;
}

MountStatus::Holder HolderChannel::Figures() const {
  const DaemonFigures& figures = attach_.figures;
  // Without a holder the number of its process may be anybody's.
  return {gone_ ? 0 : getppid(), figures.generation, figures.deaths, figures.last_handover_us,
          figures.longest_handover_us};
}

MountStatus::Holder HolderChannel::FiguresNow() const {
  MountStatus::Holder figures = Figures();
  if (!attach_.unserved_since) return figures;
  const auto stall = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - *attach_.unserved_since);
  figures.last_handover_us = static_cast<std::uint64_t>(std::max<std::int64_t>(stall.count(), 0));
  figures.longest_handover_us = std::max(figures.longest_handover_us, figures.last_handover_us);
  return figures;
}

FuseMount HolderChannel::TakeMount() {
  FuseMount mount = std::move(attach_.mount);
  attach_.mount.path = mount.path;
  return mount;
}

Result<FuseMount> HolderChannel::Mount(const std::string& source) const {
  if (auto sent = Say(message::MountNow{source}); !sent) return Fail(std::move(sent.error()));
  auto answer = ReceiveMessage(fd_.get());
  if (!answer) return Fail(std::move(answer.error()));
  if (auto* const refused = std::get_if<message::Refused>(&*answer)) {
    return Fail(ErrorCode::kFailedPrecondition, std::move(refused->why));
  }
  auto* const mounted = std::get_if<message::Mounted>(&*answer);
  if (mounted == nullptr) return Unexpected();
  return std::move(mounted->mount);
}

bool HolderChannel::SaysDetached() {
  auto message = ReceiveMessage(fd_.get());
  if (!message) gone_ = true;  // we serve as long as we live
  return message && std::holds_alternative<message::Detached>(*message);
}

}  // namespace downwardfs
