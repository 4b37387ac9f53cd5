// SPDX-License-Identifier: Apache-2.0
//
// The door of a mounter: the listening socket, and the connections that have not said hello yet. A
// probe never says hello: it asks whether the mounter answers, and goes. So a connection at the
// door must not disturb the client that is served. A message at the door has no descriptors: one
// that has some is not received, and the connection is closed (descriptor_gate.h). One owner, one
// thread.
#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "mount-helper/descriptor_gate.h"
#include "mount-helper/unix_socket.h"

namespace downwardfs {

class ClientDoor {
 public:
  ClientDoor() = default;
  /// `owner`: who may connect beside root.
  ClientDoor(OwnedFd listener, std::optional<SocketOwner> owner)
      : listener_(std::move(listener)), owner_(owner) {}

  bool open() const { return static_cast<bool>(listener_); }
  /// Adds the descriptors to poll.
  void AddTo(std::vector<pollfd>& fds) const;
  /// Takes connections and messages, if poll(2) says that there are some. Returns a connection that
  /// has said hello in our protocol; absent if there is no such one.
  OwnedFd Take(const std::vector<pollfd>& fds, DescriptorGate& gate);
  /// Tells a client why it is not served. The client closes the connection: if we closed it, the
  /// client would read ECONNRESET, for what it has sent, before it reads the reason.
  void Refuse(OwnedFd connection, const std::string& why, DescriptorGate& gate);

 private:
  struct Waiting {
    OwnedFd connection;
    bool refused = false;
  };
  void Accept(DescriptorGate& gate);
  /// True if it has said hello. Closes the connection if it has ended or broken the protocol.
  static bool Listen(Waiting& waiting, DescriptorGate& gate);

  OwnedFd listener_;
  std::optional<SocketOwner> owner_;
  std::vector<Waiting> waiting_;
};

/// `downwardfs-holder --probe`: whether a mounter answers at the socket.
Status ProbeMounter(const std::string& socket);

}  // namespace downwardfs
