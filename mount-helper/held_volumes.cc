// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/held_volumes.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace downwardfs {
OwnedFd Duplicate(const OwnedFd& fd) {
  return fd ? OwnedFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)) : OwnedFd();
}

Result<Message> VolumeMessage(const std::string& id, const HeldVolume& volume) {
  Message message;
  message.kind = Message::Kind::kVolume;
  message.text = JoinFields({id, volume.path, volume.file_system});
  message.numbers = {volume.mounted ? 1u : 0u};
  const auto poison = volume.deaths.Poison();
  message.numbers.insert(message.numbers.end(), poison.begin(), poison.end());
  message.fds.push_back(Duplicate(volume.device));
  message.fds.push_back(Duplicate(volume.memory));
  if (volume.view) message.fds.push_back(Duplicate(volume.view));
  const bool copied = std::all_of(message.fds.begin(), message.fds.end(),
                                  [](const OwnedFd& fd) { return static_cast<bool>(fd); });
  if (!copied) return Fail(ErrnoError(errno, "volume " + id));
  return message;
}

Result<std::pair<std::string, HeldVolume>> TakeVolume(Message message) {
  const auto fields = SplitFields(message.text);
  if (fields.size() != 3 || fields[0].empty() || message.fds.size() < 2) {
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a volume");
  }
  HeldVolume volume;
  volume.path = fields[1];
  volume.file_system = fields[2];
  volume.device = std::move(message.fds[0]);
  volume.memory = std::move(message.fds[1]);
  if (message.fds.size() > 2) volume.view = std::move(message.fds[2]);
  volume.mounted = message.number(0) != 0;
  return std::make_pair(fields[0], std::move(volume));
}

}  // namespace downwardfs
