// SPDX-License-Identifier: Apache-2.0
// A daemon under a holder that serves one file and dies of each question for its status: what the
// holder has to find out and end.
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "fs/volume/mounted_volume.h"
#include "mount-helper/message_channel.h"

namespace downwardfs {
namespace {

template <class Message>
void Say(int channel, const Message& message) {
  if (!SendMessage(channel, message)) std::exit(1);
}

Result<FuseMount> AskForMount(int channel) {
  Say(channel, message::MountNow{"downwardfs:poisoned"});
  auto answer = ReceiveMessage(channel);
  if (!answer) return Fail(std::move(answer.error()));
  auto* const mounted = std::get_if<message::Mounted>(&*answer);
  if (mounted == nullptr) return Fail(ErrorCode::kInternal, "not mounted");
  return std::move(mounted->mount);
}

Result<std::unique_ptr<MountedVolume>> MakeVolume(int channel, message::Attach& attach,
                                                  std::shared_ptr<const HandoverMemory> memory,
                                                  SessionLoop& loop, LanePool& lanes) {
  MountedVolumeOptions options;
  options.status = []() -> std::string { std::abort(); };
  options.resend = attach.resend;
  if (attach.mount.mounted) {
    return MountedVolume::Resume(options, std::move(memory), std::move(attach.mount), loop, lanes);
  }
  auto version = VolumeVersion::Make({{"a", "content", 0644, "", ""}}, "..v1",
                                     std::chrono::system_clock::now());
  return MountedVolume::MountHeld(
      options, std::move(version), "", std::move(memory), [&] { return AskForMount(channel); },
      loop, lanes);
}

int Main() {
  const int channel = std::atoi(std::getenv(kHolderFdVariable));
  Say(channel, message::Hello());
  auto answer = ReceiveMessage(channel);
  auto* const attach = answer ? std::get_if<message::Attach>(&*answer) : nullptr;
  if (attach == nullptr) return 1;
  const bool resumed = attach->mount.mounted;
  auto memory = HandoverMemory::Map(attach->mount.memory.get());
  auto loop = SessionLoop::Start(2);
  if (!memory || !loop) return 1;
  LanePool lanes;
  auto volume = MakeVolume(
      channel, *attach, std::make_shared<const HandoverMemory>(std::move(*memory)), **loop, lanes);
  if (!volume) return 1;
  if (!resumed) Say(channel, message::Ready());
  Say(channel, message::Serving());
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
