// SPDX-License-Identifier: Apache-2.0
// The volumes of a node as a mounter and a supervisor keep them (docs/handover.md): all that is
// needed to serve them, whoever of the others dies. Each has a table of its own, on its one thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/request_deaths.h"

namespace downwardfs {

struct HeldVolume {
  std::string path;         ///< target_path
  std::string file_system;  ///< "0:45", as mountinfo has it
  OwnedFd device;           ///< /dev/fuse, the session's
  OwnedFd memory;           ///< mount-helper/handover_memory.h
  OwnedFd view;             ///< the writable view's root; none where the kernel cannot make one
  bool mounted = true;      ///< publicly
  RequestDeaths deaths;
};

/// By volume_id.
using HeldVolumes = std::map<std::string, HeldVolume>;

/// The message that hands one over; its fds are copies.
Result<Message> VolumeMessage(const std::string& id, const HeldVolume& volume);
/// Reads one. kInvalidArgument where something of it is missing, or is not what it should be.
Result<std::pair<std::string, HeldVolume>> TakeVolume(Message message);

/// A copy of a descriptor; none of none.
OwnedFd Duplicate(const OwnedFd& fd);

}  // namespace downwardfs
