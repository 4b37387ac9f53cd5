// SPDX-License-Identifier: Apache-2.0
// The daemon's end of the channel to its holder, and what it is told over it
// (mount-helper/holder_protocol.h has the messages). Owned by the daemon of one held mount; Say()
// may be called by any thread, all else by the main thread.
#pragma once

#include <chrono>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "fs/volume/mount_status.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/message_channel.h"

namespace downwardfs {

class HolderChannel {
 public:
  /// Greets the holder that has started this process, and takes what it hands over.
  static Result<HolderChannel> Open();

  int fd() const { return fd_.get(); }
  /// The holder has died.
  bool gone() const { return gone_; }
  int memory() const { return attach_.mount.memory.get(); }
  bool mounted() const { return attach_.mount.mounted; }
  const std::string& mount_point() const { return attach_.mount.path; }
  bool resend() const { return attach_.resend; }
  std::chrono::milliseconds watchdog() const { return attach_.watchdog; }

  MountStatus::Holder Figures() const;
  /// The same once this daemon serves, with the time for which nobody did.
  MountStatus::Holder FiguresNow() const;
  /// The mount that is there already, once.
  FuseMount TakeMount();

  /// Asks the holder to mount.
  Result<FuseMount> Mount(const std::string& source) const;
  template <class Message>
  Status Say(const Message& message) const {
    return SendMessage(fd_.get(), message, kPatience);
  }
  /// Takes one message; true if it says that the mount is gone.
  bool SaysDetached();

 private:
  // With a holder that has much to do.
  static constexpr std::chrono::milliseconds kPatience{10000};

  OwnedFd fd_;
  message::Attach attach_;
  bool gone_ = false;
};

}  // namespace downwardfs
