// SPDX-License-Identifier: Apache-2.0
// Sends and receives the messages of holder_protocol.h, one per packet. Plain functions; the
// channel's owner says which thread.
#pragma once

#include <chrono>

#include "base/result.h"
#include "mount-helper/descriptor_gate.h"
#include "mount-helper/holder_codec.h"
#include "mount-helper/holder_protocol.h"

namespace downwardfs {

Status SendFrame(int channel, const SentFrame& frame, std::chrono::milliseconds patience);

/// Sends a message of holder_protocol.h; its descriptors stay the caller's, the peer gets copies.
/// kUnavailable where nobody is at the other end, or its queue stays full for so long;
/// kInvalidArgument where the message cannot be said (holder_codec.h).
template <class Message>
Status SendMessage(int channel, const Message& message, std::chrono::milliseconds patience = {}) {
  auto frame = Encode(message);
  if (!frame) return Fail(std::move(frame.error()));
  return SendFrame(channel, *frame, patience);
}

/// Receives one from a peer with the same rights or more. kCancelled at the end of the connection,
/// kInvalidArgument for a packet that is not a message, also if a descriptor is not what its field
/// says (all of them are left open then, see Abandon()), kUnavailable if no message is there now
/// and the channel does not block.
Result<HolderMessage> ReceiveMessage(int channel);
/// A peer that has fewer rights than we, by what it may send.
enum class LesserPeer {
  kClient,  ///< a mounter's: offers, and the memory of a volume to mount
  kDaemon,  ///< a supervisor's or a holder's: the memory alone
};
/// The same from such a peer: no descriptor that could hang us becomes ours. A message that has
/// descriptors and that such a peer never sends is not a message: nobody would look after them.
Result<HolderMessage> ReceiveMessage(int channel, DescriptorGate& gate, LesserPeer peer);
/// The same where no message has descriptors; one that has some is not a message, and stays in the
/// queue.
Result<HolderMessage> ReceiveBareMessage(int channel);
/// The same on a publisher's control socket.
Result<PublisherOrder> ReceiveOrder(int channel);

}  // namespace downwardfs
