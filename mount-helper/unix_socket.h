// SPDX-License-Identifier: Apache-2.0
// UNIX sockets with a name (unix(7)). Plain functions, any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

enum class SocketKind {
  kStream,   ///< for gRPC
  kPackets,  ///< SOCK_SEQPACKET: messages with descriptors
};

struct SocketOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Binds and listens. A socket at `path` that nobody listens at any more is replaced; for one that
/// somebody does it waits for so long, since a process that is ending may still have it.
/// kAlreadyExists where it stays so, or something else is there. Mode 0600; with `owner`, that
/// user's.
Result<OwnedFd> ListenAt(const std::string& path, SocketKind kind,
                         const std::optional<SocketOwner>& owner,
                         std::chrono::milliseconds patience = {});

/// Connects; does not wait for a peer.
Result<OwnedFd> ConnectTo(const std::string& path, SocketKind kind);

/// The user at the other end when it connected; nothing where that is not known.
std::optional<uid_t> PeerUser(int connection);

/// "unix:///run/x.sock" or "/run/x.sock" to the path. kInvalidArgument for another scheme, a
/// relative path, or one that is too long for an address.
Result<std::string> SocketPath(const std::string& endpoint);

}  // namespace downwardfs
