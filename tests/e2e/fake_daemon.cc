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
#include "mount-helper/holder_protocol.h"
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
void LeaveThePublisherWaiting(const downwardfs::Message& attach,
                              const downwardfs::Message& mounted) {
  const auto memory = downwardfs::HandoverMemory::Map(attach.fds[0].get());
  if (!memory || mounted.fds.size() < 2) std::exit(1);
  const int device = mounted.fds[0].get();
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
  if (send(mounted.fds[1].get(), call.data(), call.size(), 0) < 0) std::exit(1);
  TakeRequest(device, *memory);
}

}  // namespace

int main(int argc, char** argv) {
  using downwardfs::Message;
  const std::string way = argc > 1 ? argv[1] : "";
  const int channel = std::atoi(std::getenv(downwardfs::kHolderFdVariable));
  const auto send_raw = [&](const std::string& bytes) {
    static_cast<void>(send(channel, bytes.data(), bytes.size(), 0));
  };
  const auto say = [&](Message::Kind kind, std::uint64_t number) {
    Message message;
    message.kind = kind;
    message.numbers = {number};
    message.text = std::string(way == "long" ? 100000 : 3, 'x');
    static_cast<void>(SendMessage(channel, message));
  };
  if (way == "silent") return 0;
  if (way == "garbage") send_raw("#!/bin/sh");
  if (way == "empty") send_raw("");
  if (way == "large") send_raw(std::string(60000, 'x'));
  if (way == "protocol") say(Message::Kind::kHello, 99);
  if (way == "foreign") say(Message::Kind::kMounted, 1);
  if (way == "closes") close(channel);
  if (way == "long") say(Message::Kind::kHello, downwardfs::kHolderProtocol);
  if (way == "dies-mounted") {
    say(Message::Kind::kHello, downwardfs::kHolderProtocol);
    static_cast<void>(downwardfs::ReceiveMessage(channel));
    say(Message::Kind::kMount, 0);
    static_cast<void>(downwardfs::ReceiveMessage(channel));
    return 7;
  }
  if (way == "dies-asked") {
    say(Message::Kind::kHello, downwardfs::kHolderProtocol);
    const auto attach = downwardfs::ReceiveMessage(channel);
    say(Message::Kind::kMount, 0);
    const auto mounted = downwardfs::ReceiveMessage(channel);
    if (attach && mounted) LeaveThePublisherWaiting(*attach, *mounted);
    return 7;
  }
  // Whoever is not killed for it ends by itself.
  usleep(300000);
  return 9;
}
