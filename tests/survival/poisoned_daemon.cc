// SPDX-License-Identifier: Apache-2.0
// A daemon under a holder that serves one file and dies of each question for its status: what the
// holder has to find out and end.
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "fs/volume/mounted_volume.h"
#include "mount-helper/holder_protocol.h"

namespace downwardfs {
namespace {

void Say(int channel, Message::Kind kind, std::vector<std::uint64_t> numbers = {}) {
  Message message;
  message.kind = kind;
  message.numbers = std::move(numbers);
  message.text = "downwardfs:poisoned";
  if (!SendMessage(channel, message)) std::exit(1);
}

HeldMount Held(Message& message, std::size_t first) {
  HeldMount mount;
  mount.mount_id = 1;
  if (message.fds.size() > first) mount.device = std::move(message.fds[first]);
  if (message.fds.size() > first + 1) mount.publisher = std::move(message.fds[first + 1]);
  return mount;
}

Result<HeldMount> AskForMount(int channel) {
  Say(channel, Message::Kind::kMount);
  auto mounted = ReceiveMessage(channel);
  if (!mounted) return Fail(std::move(mounted.error()));
  return Held(*mounted, 0);
}

Result<std::unique_ptr<MountedVolume>> MakeVolume(int channel, Message& attach,
                                                  const HandoverMemory& memory, SessionLoop& loop,
                                                  LanePool& lanes) {
  Handover handover;
  handover.memory = &memory;
  handover.resend = attach.number(5) != 0;
  handover.poison.assign(attach.numbers.begin() + 7, attach.numbers.end());
  MountedVolumeOptions options;
  options.status = []() -> std::string { std::abort(); };
  if (attach.number(4) != 0) {
    return MountedVolume::Resume(options, handover, Held(attach, 1), loop, lanes);
  }
  auto version = VolumeVersion::Make({{"a", "content", 0644, "", ""}}, "..v1",
                                     std::chrono::system_clock::now());
  return MountedVolume::MountHeld(
      options, std::move(version), "", handover, [&] { return AskForMount(channel); }, loop, lanes);
}

int Main() {
  const int channel = std::atoi(std::getenv(kHolderFdVariable));
  Say(channel, Message::Kind::kHello, {kHolderProtocol});
  auto attach = ReceiveMessage(channel);
  if (!attach) return 1;
  const bool resumed = attach->number(4) != 0;
  auto memory = HandoverMemory::Map(attach->fds[0].get());
  auto loop = SessionLoop::Start(2);
  if (!memory || !loop) return 1;
  LanePool lanes;
  auto volume = MakeVolume(channel, *attach, *memory, **loop, lanes);
  if (!volume) return 1;
  if (!resumed) Say(channel, Message::Kind::kReady);
  Say(channel, Message::Kind::kServing);
  eventfd_t ended = 0;
  while (eventfd_read((*volume)->ended_fd(), &ended) != 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return 0;
}

}  // namespace
}  // namespace downwardfs

int main() {
  return downwardfs::Main();
}
