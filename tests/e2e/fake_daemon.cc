// SPDX-License-Identifier: Apache-2.0
// A daemon that does not keep to the holder's protocol, in the way that its argument names.
#include <linux/fuse.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "mount-helper/handover_memory.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/tree_call.h"

namespace {

// Takes a request into the first slot, as a serving thread does.
fuse_in_header TakeRequest(int device, const downwardfs::HandoverMemory& memory) {
  pollfd ready = {device, POLLIN, 0};
  poll(&ready, 1, -1);
  fuse_in_header request = {};
  if (read(device, memory.slot(0), downwardfs::kSlotBytes) > 0) {
    std::memcpy(&request, memory.slot(0), sizeof request);
  }
  return request;
}

// The publisher is left waiting for the answer to a request that has been read.
void LeaveThePublisherWaiting(const downwardfs::FuseMount& attach,
                              const downwardfs::FuseMount& mounted) {
  const auto memory = downwardfs::HandoverMemory::Map(attach.memory.get());
  if (!memory || !mounted.publisher) std::exit(1);
  const int device = mounted.device.get();
  struct {
    fuse_out_header header = {};
    fuse_init_out init = {};
  } answer;
  answer.header.len = sizeof answer;
  answer.header.unique = TakeRequest(device, *memory).unique;
  answer.init.major = FUSE_KERNEL_VERSION;
  answer.init.minor = 31;
  answer.init.max_write = downwardfs::kMaxWrite;
  if (write(device, &answer, sizeof answer) != sizeof answer) std::exit(1);
  const std::string call =
      downwardfs::EncodeTreeCall({downwardfs::TreeCall::Kind::kLook, 0, 0, "name", ""});
  if (send(mounted.publisher.get(), call.data(), call.size(), 0) < 0) std::exit(1);
  TakeRequest(device, *memory);
}

}  // namespace

int main(int argc, char** argv) {
  namespace message = downwardfs::message;
  using downwardfs::Frame;
  const std::string way = argc > 1 ? argv[1] : "";
  const int channel = std::atoi(std::getenv(downwardfs::kHolderFdVariable));
  const auto send_raw = [&](const std::string& bytes) {
    static_cast<void>(send(channel, bytes.data(), bytes.size(), 0));
  };
  const auto say = [&](const auto& message) {
    static_cast<void>(downwardfs::SendMessage(channel, message));
  };
  // A frame of that kind with one number and a text.
  const auto say_frame = [&](Frame::Kind kind, std::uint64_t number, std::size_t text) {
    send_raw(downwardfs::FrameBytes({kind, {number}, std::string(text, 'x')}));
  };
  const auto receive = [&] { return downwardfs::ReceiveMessage(channel); };
  if (way == "silent") return 0;
  if (way == "garbage") send_raw("#!/bin/sh");
  if (way == "empty") send_raw("");
  if (way == "large") send_raw(std::string(60000, 'x'));
  if (way == "protocol") say(message::Hello{99});
  if (way == "foreign") say_frame(Frame::Kind::kMounted, 1, 3);

  if (way == "closes") close(channel);
  if (way == "long") say_frame(Frame::Kind::kHello, downwardfs::kHolderProtocol, 16384);
  if (way == "dies-mounted") {
    say(message::Hello());
    static_cast<void>(receive());
    say(message::MountNow());
    static_cast<void>(receive());
    return 7;
  }
  if (way == "dies-asked") {
    say(message::Hello());
    const auto first = receive();
    say(message::MountNow());
    const auto second = receive();
    const auto* const attach = first ? std::get_if<message::Attach>(&*first) : nullptr;
    const auto* const mounted = second ? std::get_if<message::Mounted>(&*second) : nullptr;
    if (attach != nullptr && mounted != nullptr) {
      LeaveThePublisherWaiting(attach->mount, mounted->mount);
    }
    return 7;
  }
  // A daemon that is not killed for it ends by itself.
  usleep(300000);
  return 9;
}
