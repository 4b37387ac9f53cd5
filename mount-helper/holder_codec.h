// SPDX-License-Identifier: Apache-2.0
//
// The messages of holder_protocol.h to frames and back: one Encode() for each message, and
// Decode(), which finds out by the frame's kind which message it is and checks all of it. This file
// and its .cc are the only ones that know at which place of a frame a field is. Pure functions; any
// thread.
//
// Encode() fails, with kInvalidArgument, if a text has a NUL or does not fit or a descriptor is
// missing. A text that only explains (Refused, a failed Done) is cut instead.
#pragma once

#include <vector>

#include "base/result.h"
#include "mount-helper/holder_frame.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/received_fd.h"

namespace downwardfs {

Result<SentFrame> Encode(const message::Hello& hello);
Result<SentFrame> Encode(const message::Attach& attach);
Result<SentFrame> Encode(const message::MountNow& request);
Result<SentFrame> Encode(const message::Mounted& mounted);
Result<SentFrame> Encode(const message::Refused& refused);
Result<SentFrame> Encode(const message::Ready& ready);
Result<SentFrame> Encode(const message::Serving& serving);
Result<SentFrame> Encode(const message::Alive& alive);
Result<SentFrame> Encode(const message::Detached& detached);
Result<SentFrame> Encode(const message::Stop& stop);
Result<SentFrame> Encode(const message::Volume& volume);
Result<SentFrame> Encode(const message::Sockets& sockets);
Result<SentFrame> Encode(const message::Synced& synced);
Result<SentFrame> Encode(const message::MountVolume& request);
Result<SentFrame> Encode(const message::UnmountVolume& request);
Result<SentFrame> Encode(const message::StartPublisher& request);
Result<SentFrame> Encode(const message::FindPodDirectory& request);
Result<SentFrame> Encode(const message::Done& done);
Result<SentFrame> Encode(const HolderMessage& message);

/// kInvalidArgument where the frame is no such message; its descriptors are closed.
Result<HolderMessage> Decode(ReceivedFrame frame);

/// The kinds of such a message's descriptors, one after the other; the last ones may be absent.
std::vector<FdKind> DescriptorsOf(const Frame& frame);
/// The same for a publisher's control socket.
std::vector<FdKind> OrderDescriptors();
/// Whether each is what it should be. Those after them, of a newer build, are ignored, and so may
/// be of any kind that can be closed.
bool DescriptorsFit(const std::vector<FdKind>& kinds, const std::vector<OwnedFd>& fds);

// Of a publisher's control socket.
Result<SentFrame> Encode(const message::ConnectDaemon& order);
Result<SentFrame> Encode(const message::DropView& order);
Result<PublisherOrder> DecodeOrder(ReceivedFrame frame);

}  // namespace downwardfs
