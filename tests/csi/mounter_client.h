// SPDX-License-Identifier: Apache-2.0
// A client of the mounter that does what a test says, and a mounter without a plugin.
#pragma once

#include <poll.h>

#include <map>
#include <string>

#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_answers.h"
#include "mount-helper/message_channel.h"
#include "mount-helper/unix_socket.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {

/// For a mount at `path` that begins anew.
inline message::MountVolume MountVolumeRequest(std::uint64_t serial, bool replace,
                                               const std::string& id, const std::string& path) {
  return {serial, replace, id, path, "downwardfs:test", "", *HandoverMemory::Create()};
}

using Volumes = std::map<std::string, FuseMount>;

// A supervisor that does what the test says.
class MounterClient {
 public:
  explicit MounterClient(const std::string& socket) {
    if (auto connection = ConnectTo(socket, SocketKind::kPackets))
      channel_ = std::move(*connection);
  }

  template <class Message>
  bool Send(const Message& message) const {
    return static_cast<bool>(SendMessage(channel_.get(), message));
  }

  // The next message; Stop where the connection is over.
  HolderMessage Next() const {
    pollfd fd = {channel_.get(), POLLIN, 0};
    if (poll(&fd, 1, 60000) != 1) return message::Stop();
    auto message = ReceiveMessage(channel_.get());
    return message ? std::move(*message) : message::Stop();
  }

  // Says hello and what it has; true once the mounter has answered, false where it refuses.
  bool Synchronize(const Volumes& offered = {}) {
    if (!Send(message::Hello())) return false;
    for (const auto& [id, volume] : offered) {
      auto copy = CopyOf(volume);
      if (!copy || !Send(message::Volume{std::move(*copy)})) return false;
    }
    if (!Send(message::Synced())) return false;
    for (;;) {
      HolderMessage message = Next();
      if (std::holds_alternative<message::Synced>(message)) return true;
      if (std::holds_alternative<message::Stop>(message)) return false;
      if (auto* const detached = std::get_if<message::Detached>(&message)) detached_ = detached->id;
      if (auto* const volume = std::get_if<message::Volume>(&message)) {
        told_[volume->mount.id] = std::move(volume->mount);
      }
      if (auto* const refused = std::get_if<message::Refused>(&message)) {
        refused_ = refused->why;
        return false;
      }
    }
  }

  // Asks for a mount; whether it was made.
  bool Mount(const std::string& id, const std::string& path, bool replace = false) {
    message::MountVolume request = MountVolumeRequest(7, replace, id, path);
    Send(request);
    HolderMessage answer = Next();
    while (std::holds_alternative<message::Detached>(answer)) answer = Next();
    const auto* const done = std::get_if<message::Done>(&answer);
    if (done == nullptr || done->serial != request.serial) return false;
    auto mount = MountIn(*done);
    if (!mount) return false;
    mount->id = id;
    mount->path = path;
    mount->memory = std::move(request.memory);
    held_[id] = std::move(*mount);
    return true;
  }

  // Any question that the mounter answers.
  bool IsServed() const {
    return Send(message::FindPodDirectory{1, "/x"}) &&
           std::holds_alternative<message::Done>(Next());
  }

  OwnedFd channel_;
  Volumes held_;  // it has mounted these
  Volumes told_;  // the mounter has told of these
  std::string refused_;
  std::string detached_;
};

class NodeMounterTest : public CsiTest {
 protected:
  NodeMounterTest() {
    StartHolder();
    EXPECT_TRUE(IsUp());
  }
  using Client = MounterClient;

  const std::string holder_socket_ = plugin_dir_ + "/holder.sock";
};

}  // namespace downwardfs::testing
