// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_codec.h"

#include <algorithm>
#include <utility>

#include "mount-helper/frame_fields.h"
#include "mount-helper/mount_identity.h"

namespace downwardfs {
namespace {

using Kind = Frame::Kind;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// Tells Attach::unserved_since from the requests that precede it in the list: a request's number
// has another use for this bit and never has it here (handover_memory.h, kResentBit).
constexpr std::uint64_t kSinceBit = std::uint64_t{1} << 63;

tl::unexpected<Error> NotAMessage() {
  return Fail(ErrorCode::kInvalidArgument, "holder channel: not a message");
}

message::Attach ReadAttach(FrameReader& from) {
  message::Attach attach;
  DaemonFigures& figures = attach.figures;
  figures.generation = from.Number();
  figures.deaths = from.Number();
  figures.last_handover_us = from.Number();
  figures.longest_handover_us = from.Number();
  const int mount_id = from.Int();  // 0: it is not mounted yet
  attach.resend = from.Number() != 0;
  attach.watchdog = milliseconds(from.Number());
  for (const std::uint64_t number : from.OtherNumbers()) {
    if ((number & kSinceBit) == 0) {
      attach.mount.poison.push_back(number);
    } else {
      attach.unserved_since = steady_clock::time_point(nanoseconds(number & ~kSinceBit));
    }
  }
  attach.mount.path = from.Text();
  attach.mount.memory = from.Fd();
  if (mount_id == 0) return attach;
  attach.mount.mounted = true;
  attach.mount.mount_id = mount_id;
  attach.mount.device = from.Fd();
  attach.mount.publisher = from.OptionalFd();
  return attach;
}

message::Mounted ReadMounted(FrameReader& from) {
  message::Mounted mounted;
  mounted.mount.mounted = true;
  mounted.mount.mount_id = from.Int();
  mounted.mount.device = from.Fd();
  mounted.mount.publisher = from.OptionalFd();
  return mounted;
}

message::Volume ReadVolume(FrameReader& from) {
  message::Volume volume;
  volume.mount.mounted = from.Number() != 0;
  volume.mount.poison = from.OtherNumbers();
  volume.mount.id = from.Id();
  volume.mount.path = from.Field();
  volume.mount.file_system = from.Field();
  volume.mount.device = from.Fd();
  volume.mount.memory = from.Fd();
  volume.mount.view = from.OptionalFd();
  return volume;
}

message::MountVolume ReadMountVolume(FrameReader& from) {
  message::MountVolume request;
  request.serial = from.Number();
  request.replace = from.OptionalNumber() != 0;
  request.id = from.Id();
  request.path = from.Field();
  request.source = from.Field();
  request.selinux_context = from.OptionalField();
  request.memory = from.Fd();
  return request;
}

message::UnmountVolume ReadUnmountVolume(FrameReader& from) {
  message::UnmountVolume request;
  request.serial = from.Number();
  request.ours = from.OptionalNumber() != 0;
  request.id = from.Field();
  request.path = from.Field();
  return request;
}

// An ErrorCode and one; 0 stands for no error.
std::uint64_t ErrorNumber(const std::optional<Error>& error) {
  return error ? 1 + static_cast<std::uint64_t>(error->code) : 0;
}

message::Done ReadDone(FrameReader& from) {
  message::Done done;
  done.serial = from.Number();
  const std::uint64_t error = from.Number();
  if (error != 0) {
    constexpr auto kLast = static_cast<std::uint64_t>(ErrorCode::kInternal);
    done.error = Error{static_cast<ErrorCode>(std::min(error - 1, kLast)), from.Text()};
    return done;
  }
  done.body.numbers = from.OtherNumbers();
  done.body.text = from.Text();
  done.body.fds = from.OtherFds();
  return done;
}

template <class Message>
Result<HolderMessage> Give(const FrameReader& from, Message message) {
  if (!from.good()) return NotAMessage();
  return HolderMessage(std::move(message));
}

}  // namespace

Result<SentFrame> Encode(const message::Hello& hello) {
  return FrameWriter(Kind::kHello).Number(hello.protocol).Take();
}

Result<SentFrame> Encode(const message::Attach& attach) {
  const FuseMount& mount = attach.mount;
  FrameWriter to(Kind::kAttach);
  to.Number(attach.figures.generation).Number(attach.figures.deaths);
  to.Number(attach.figures.last_handover_us).Number(attach.figures.longest_handover_us);
  to.Number(mount.device ? static_cast<std::uint64_t>(mount.mount_id) : 0);
  to.Number(attach.resend ? 1 : 0).Number(static_cast<std::uint64_t>(attach.watchdog.count()));
  to.Numbers(mount.poison);
  if (attach.unserved_since) {
    const nanoseconds since = attach.unserved_since->time_since_epoch();
    to.Number(static_cast<std::uint64_t>(since.count()) | kSinceBit);
  }
  to.Text(mount.path).Fd(mount.memory).OptionalFd(mount.device);
  return (mount.device ? to.OptionalFd(mount.publisher) : to).Take();
}

Result<SentFrame> Encode(const message::MountNow& request) {
  return FrameWriter(Kind::kMountNow).Text(request.source).Take();
}

Result<SentFrame> Encode(const message::Mounted& mounted) {
  const FuseMount& mount = mounted.mount;
  return FrameWriter(Kind::kMounted)
      .Number(static_cast<std::uint64_t>(mount.mount_id))
      .Fd(mount.device)
      .OptionalFd(mount.publisher)
      .Take();
}

Result<SentFrame> Encode(const message::Refused& refused) {
  return FrameWriter(Kind::kRefused).Explanation(refused.why).Take();
}

Result<SentFrame> Encode(const message::Ready& /*ready*/) {
  return FrameWriter(Kind::kReady).Take();
}

Result<SentFrame> Encode(const message::Serving& /*serving*/) {
  return FrameWriter(Kind::kServing).Take();
}

Result<SentFrame> Encode(const message::Alive& /*alive*/) {
  return FrameWriter(Kind::kAlive).Take();
}

Result<SentFrame> Encode(const message::Detached& detached) {
  return FrameWriter(Kind::kDetached).Text(detached.id).Take();
}

Result<SentFrame> Encode(const message::Stop& /*stop*/) {
  return FrameWriter(Kind::kStop).Take();
}

Result<SentFrame> Encode(const message::Volume& volume) {
  const FuseMount& mount = volume.mount;
  return FrameWriter(Kind::kVolume)
      .Number(mount.mounted ? 1 : 0)
      .Numbers(mount.poison)
      .Field(mount.id)
      .Field(mount.path)
      .Field(mount.file_system)
      .Fd(mount.device)
      .Fd(mount.memory)
      .OptionalFd(mount.view)
      .Take();
}

Result<SentFrame> Encode(const message::Sockets& sockets) {
  return FrameWriter(Kind::kSockets).Fd(sockets.csi).OptionalFd(sockets.registration).Take();
}

Result<SentFrame> Encode(const message::Synced& synced) {
  return FrameWriter(Kind::kSynced).Number(synced.mounter_away ? 1 : 0).Take();
}

Result<SentFrame> Encode(const message::MountVolume& request) {
  FrameWriter to(Kind::kMountVolume);
  to.Number(request.serial).Number(request.replace ? 1 : 0);
  to.Field(request.id).Field(request.path).Field(request.source);
  if (!request.selinux_context.empty()) to.Field(request.selinux_context);
  return to.Fd(request.memory).Take();
}

Result<SentFrame> Encode(const message::UnmountVolume& request) {
  return FrameWriter(Kind::kUnmountVolume)
      .Number(request.serial)
      .Number(request.ours ? 1 : 0)
      .Field(request.id)
      .Field(request.path)
      .Take();
}

Result<SentFrame> Encode(const message::StartPublisher& request) {
  return FrameWriter(Kind::kStartPublisher).Number(request.serial).Take();
}

Result<SentFrame> Encode(const message::FindPodDirectory& request) {
  return FrameWriter(Kind::kFindPodDirectory).Number(request.serial).Text(request.path).Take();
}

Result<SentFrame> Encode(const message::Done& done) {
  FrameWriter to(Kind::kDone);
  to.Number(done.serial).Number(ErrorNumber(done.error));
  if (done.error) return to.Explanation(done.error->message).Take();
  to.Numbers(done.body.numbers).Text(done.body.text);
  for (const OwnedFd& fd : done.body.fds) to.Fd(fd);
  return to.Take();
}

Result<SentFrame> Encode(const HolderMessage& message) {
  return std::visit([](const auto& one) { return Encode(one); }, message);
}

Result<HolderMessage> Decode(ReceivedFrame frame) {
  const Kind kind = frame.kind;
  FrameReader from(std::move(frame));
  switch (kind) {
    case Kind::kHello: {
      const std::uint64_t protocol = from.Number();
      return Give(from, message::Hello{static_cast<std::uint32_t>(
                            std::min<std::uint64_t>(protocol, ~std::uint32_t{0}))});
    }
    case Kind::kAttach:
      return Give(from, ReadAttach(from));
    case Kind::kMountNow:
      return Give(from, message::MountNow{from.Text()});
    case Kind::kMounted:
      return Give(from, ReadMounted(from));
    case Kind::kRefused:
      return Give(from, message::Refused{from.Text()});
    case Kind::kReady:
      return Give(from, message::Ready());
    case Kind::kServing:
      return Give(from, message::Serving());
    case Kind::kAlive:
      return Give(from, message::Alive());
    case Kind::kDetached:
      return Give(from, message::Detached{from.Text()});
    case Kind::kStop:
      return Give(from, message::Stop());
    case Kind::kVolume:
      return Give(from, ReadVolume(from));
    case Kind::kSockets: {
      OwnedFd csi = from.Fd();
      return Give(from, message::Sockets{std::move(csi), from.OptionalFd()});
    }
    case Kind::kSynced:
      return Give(from, message::Synced{from.OptionalNumber() != 0});
    case Kind::kMountVolume:
      return Give(from, ReadMountVolume(from));
    case Kind::kUnmountVolume:
      return Give(from, ReadUnmountVolume(from));
    case Kind::kStartPublisher:
      return Give(from, message::StartPublisher{from.Number()});
    case Kind::kFindPodDirectory: {
      const std::uint64_t serial = from.Number();
      return Give(from, message::FindPodDirectory{serial, from.Text()});
    }
    case Kind::kDone:
      return Give(from, ReadDone(from));
  }
  return NotAMessage();
}

std::vector<FdKind> DescriptorsOf(const Frame& frame) {
  switch (frame.kind) {
    case Kind::kAttach:
      return {FdKind::kMemory, FdKind::kFuseDevice, FdKind::kUnixSocket};
    case Kind::kMounted:
      return {FdKind::kFuseDevice, FdKind::kUnixSocket};
    case Kind::kVolume:
      return {FdKind::kFuseDevice, FdKind::kMemory, FdKind::kPathOnly};
    case Kind::kSockets:
      return {FdKind::kUnixSocket, FdKind::kUnixSocket};
    case Kind::kMountVolume:
      return {FdKind::kMemory};
    case Kind::kDone:
      // A mount has the name of its file system, a connection to a publisher has no text.
      if (frame.text.empty()) return {FdKind::kUnixSocket};
      return {FdKind::kFuseDevice, FdKind::kPathOnly};
    default:
      return {};
  }
}

std::vector<FdKind> OrderDescriptors() {
  return {FdKind::kUnixSocket};
}

bool DescriptorsFit(const std::vector<FdKind>& kinds, const std::vector<OwnedFd>& fds) {
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const FdKind kind = KindOf(fds[i].get());
    if (kind == FdKind::kUnknown || (i < kinds.size() && kind != kinds[i])) return false;
    // The receiver asks this too, and the first time may take a lookup (overlayfs).
    if (kind == FdKind::kPathOnly && FileSystemOf(fds[i].get()).empty()) return false;
  }
  return true;
}

Result<SentFrame> Encode(const message::ConnectDaemon& order) {
  return FrameWriter(Kind::kAttach).Fd(order.connection).Take();
}

Result<SentFrame> Encode(const message::DropView& /*order*/) {
  return FrameWriter(Kind::kDetached).Take();
}

Result<PublisherOrder> DecodeOrder(ReceivedFrame frame) {
  const Kind kind = frame.kind;
  FrameReader from(std::move(frame));
  if (kind == Kind::kDetached) return PublisherOrder(message::DropView());
  PublisherOrder order = message::ConnectDaemon{from.Fd()};
  if (kind != Kind::kAttach || !from.good()) return NotAMessage();
  return order;
}

}  // namespace downwardfs
