// SPDX-License-Identifier: Apache-2.0
// A daemon that does not keep to the holder's protocol, in the way that its argument names.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "mount-helper/holder_protocol.h"

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
  // Whoever is not killed for it ends by itself.
  usleep(300000);
  return 9;
}
