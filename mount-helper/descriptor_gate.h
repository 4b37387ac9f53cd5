// SPDX-License-Identifier: Apache-2.0
//
// Takes descriptors from a peer that has fewer rights than we, and gets rid of those that nobody
// should have. Such a descriptor may hang whoever closes it, for ever and past SIGKILL
// (received_fd.h), also if it lies in the queue of a connection that is closed, or in that of a
// UNIX socket that is itself sent. So a packet with descriptors is received by a child, which looks
// at them and passes on the good ones. It never closes the others: it keeps them until it has
// kMostKept, and then another child takes its place, and it ends, or hangs. A packet without
// descriptors costs nothing. Every connection is closed by a child too (EndConnection()), also one
// that seems to be at its end: a packet without bytes looks like that, and more may follow.
//
// At most kMostHanging children hang; then no descriptors are taken any more. They end at the
// latest with the server of that file system, for the kernel then answers in its place. They are
// reaped by whoever reaps the children of the process. One owner, one thread; the process has no
// other.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/fd_packet.h"

namespace downwardfs {

class DescriptorGate {
 public:
  static constexpr std::size_t kMostKept = 200;  // packets, of a few descriptors each
  static constexpr std::size_t kMostHanging = 64;
  static constexpr std::size_t kMostParked = 256;
  /// Removes what the message does not need, and says whether all the others are what they should
  /// be. Runs in the child.
  using Check = bool (*)(FdPacket& packet);

  /// As ReceivePacket(); kInvalidArgument also if a descriptor does not pass, or none is taken any
  /// more. Close() the connection then.
  Result<FdPacket> Receive(int channel, std::size_t limit, Check check);

  /// Closes descriptors that came from the peer and are not wanted, where a hang harms nobody. If
  /// too many children hang, it is done when one of them has ended.
  void Close(std::vector<OwnedFd> fds);
  /// The same for a connection to the peer, which may have unread messages. The peer sees its end
  /// at once.
  void EndConnection(OwnedFd connection);

  /// kMostParked wait to be closed: nobody new is to be let in.
  bool full();

 private:
  bool StartReceiver(std::size_t limit, Check check);
  void RetireReceiver();
  void DropEnded();
  void Watch(pid_t child);
  bool CloseInChild(std::vector<OwnedFd>& fds);

  OwnedFd receiver_;  // the connection to the child that receives; absent: no child runs
  pid_t receiver_pid_ = -1;
  std::size_t kept_ = 0;                      // packets that it keeps descriptors of
  std::vector<OwnedFd> children_;             // pidfds of others that may hang
  std::vector<std::vector<OwnedFd>> parked_;  // to be closed
};

}  // namespace downwardfs
