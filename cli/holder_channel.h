// SPDX-License-Identifier: Apache-2.0
// The daemon's end of the channel to its holder, and what it is told over it
// (mount-helper/holder_protocol.h has the messages). Owned by the daemon of one held mount; Say()
// may be called by any thread, all else by the main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "fs/volume/mount_status.h"
#include "fs/volume/mounted_volume.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/holder_protocol.h"

namespace downwardfs {

class HolderChannel {
 public:
  /// Greets the holder that has started this process, and takes what it hands over.
  static Result<HolderChannel> Open();

  int fd() const { return fd_.get(); }
  /// The holder has died.
  bool gone() const { return gone_; }
  int memory() const { return attach_.fds[0].get(); }
  bool mounted() const { return attach_.number(4) != 0; }
  const std::string& mount_point() const { return attach_.text; }
  std::chrono::milliseconds watchdog() const {
    return std::chrono::milliseconds(attach_.number(6));
  }

  MountStatus::Holder Figures() const;
  /// The same once this daemon serves, with the time for which nobody did.
  MountStatus::Holder FiguresNow() const;
  Handover MakeHandover(const HandoverMemory& memory) const;
  HeldMount TakeMount();

  /// Asks the holder to mount.
  Result<HeldMount> Mount(const std::string& source) const;
  Status Say(Message::Kind kind, std::vector<std::uint64_t> numbers = {}) const;
  /// Of what the holder says: the mount is gone.
  bool SaysDetached();

 private:
  OwnedFd fd_;
  Message attach_;
  bool gone_ = false;
};

}  // namespace downwardfs
