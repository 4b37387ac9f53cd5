// SPDX-License-Identifier: Apache-2.0
//
// Where a mounter's clients knock: the listening socket, and the connections of which nobody has
// said hello yet. A probe is such a one: it asks whether anybody answers, and goes; so nothing that
// has not said hello may touch the client that is served. One owner, one thread.
#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "mount-helper/unix_socket.h"

namespace downwardfs {

class ClientDoor {
 public:
  ClientDoor() = default;
  /// `owner`: who may connect beside root.
  ClientDoor(OwnedFd listener, std::optional<SocketOwner> owner)
      : listener_(std::move(listener)), owner_(owner) {}

  bool open() const { return static_cast<bool>(listener_); }
  /// What is to be polled.
  void AddTo(std::vector<pollfd>& fds) const;
  /// Takes what has come, if poll(2) says so. A connection that has said hello, in our protocol;
  /// none if there is none (yet).
  OwnedFd Take(const std::vector<pollfd>& fds);
  /// Tells it why it is not served. The other end closes: what it has sent would come back as
  /// ECONNRESET before the reason if we did.
  void Refuse(OwnedFd connection, const std::string& why);

 private:
  struct Waiting {
    OwnedFd connection;
    bool refused = false;
  };
  void Accept();
  /// Whether it has said hello; none of it is left where it is over.
  bool Listen(Waiting& waiting) const;

  OwnedFd listener_;
  std::optional<SocketOwner> owner_;
  std::vector<Waiting> waiting_;
};

/// `downwardfs-holder --probe`: whether a mounter answers at the socket.
Status ProbeMounter(const std::string& socket);

}  // namespace downwardfs
