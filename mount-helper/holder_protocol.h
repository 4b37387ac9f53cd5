// SPDX-License-Identifier: Apache-2.0
//
// What the holder and a daemon of its mount say to each other: one message per packet of a
// SOCK_SEQPACKET pair, with file descriptors beside it (SCM_RIGHTS). Each message is one Message;
// whoever gets anything else ends the connection. docs/handover.md has the order.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

inline constexpr std::uint32_t kHolderProtocol = 1;
/// The environment variable in which a daemon finds its end of the channel.
inline constexpr char kHolderFdVariable[] = "DOWNWARDFS_HOLDER_FD";
/// A daemon's exit status: the handover memory is damaged or of another format. The holder mounts
/// anew.
inline constexpr int kExitHandoverRefused = 3;

/// Tells a time from a request's number, which has another use for this bit and never has it here.
inline constexpr std::uint64_t kSinceBit = std::uint64_t{1} << 63;

struct Message {
  enum class Kind : std::uint32_t {
    kHello = 1,  ///< daemon: here I am. numbers: protocol
    kAttach,   ///< holder: numbers: generation, deaths, last and longest handover (µs) before this
               ///< one, mount id or 0, resend, watchdog (ms), then the requests that are answered
               ///< EIO, and, with kSinceBit, since when nobody serves (ns, CLOCK_MONOTONIC); text:
               ///< the mount point; fds: memory, and where it is mounted: device, publisher
    kMount,    ///< daemon: mount now. text: the mount's source
    kMounted,  ///< holder: numbers: mount id; fds: device, publisher
    kRefused,  ///< holder: it could not be mounted; mounter: I serve another supervisor. text: why
    kReady,    ///< daemon: whoever waits for the mount may go on
    kServing,  ///< daemon: the requests of the one before me are taken care of
    kAlive,    ///< daemon: now and then; without it the watchdog ends the daemon. To a mounter,
               ///< instead of a hello: is anybody there? It answers with the same
    kDetached,  ///< holder: the public mount is gone
    kStop,      ///< daemon: somebody asked me to end; unmount

    // Of many volumes (docs/handover.md): between a daemon, its supervisor and a mounter.
    kVolume,   ///< here is a volume. text: id, path, file system; numbers: mounted, layout of the
               ///< rest, requests that are answered EIO; fds: device, memory, view if there is one
    kSockets,  ///< here are the listening sockets. fds: CSI, registration
    kSynced,   ///< that was all that I have; supervisor to daemon, also later: numbers: 1 where
               ///< the mounter is away now
    kMountVolume,    ///< numbers: serial, 1 where a dead mount of ours may be in the way; text: id,
                     ///< path, source, SELinux context; fds: memory
    kUnmountVolume,  ///< numbers: serial, 1 where what is there is this volume's; text: id, path
    kWorker,         ///< numbers: serial. A connection to a publisher's process is wanted
    kLook,           ///< numbers: serial; text: path. Is the pod's directory there?
    kDone,  ///< numbers: serial, an ErrorCode or 0, an answer; text: why; fds: of kMountVolume
            ///< device, view; of kWorker the connection
  };
  Kind kind = Kind::kAlive;
  std::vector<std::uint64_t> numbers;
  std::string text;
  std::vector<OwnedFd> fds;

  std::uint64_t number(std::size_t at) const { return at < numbers.size() ? numbers[at] : 0; }
};

/// Sends; kUnavailable where nobody is at the other end, or its queue stays full for so long.
Status SendMessage(int channel, const Message& message, std::chrono::milliseconds patience = {});

/// Receives one. kCancelled at the end of the connection, kInvalidArgument for a packet that is no
/// message (its fds are closed), kUnavailable where there is none now and the channel does not
/// block.
Result<Message> ReceiveMessage(int channel);

/// The text of a packet; for ReceiveMessage() and its fuzzer.
std::optional<Message> DecodeMessage(std::string_view bytes);
std::string EncodeMessage(const Message& message);

/// Several texts in one, none of which has a NUL.
std::string JoinFields(const std::vector<std::string_view>& fields);
std::vector<std::string> SplitFields(std::string_view text);

}  // namespace downwardfs
