// SPDX-License-Identifier: Apache-2.0
//
// The messages between a holder, a supervisor, a mounter, a publisher's process and a daemon: one
// struct for each. holder_codec.h puts them into bytes, message_channel.h sends them: one
// message per packet of a SOCK_SEQPACKET socket, its descriptors beside it (SCM_RIGHTS).
// docs/handover.md has the order of the messages. Plain data; any thread.
//
// The rule for versions. Two builds that meet at an upgrade speak to each other if kHolderProtocol
// is the same number. Within one number
//   - a peer ignores numbers, texts and descriptors after those that it knows, so a field may be
//     added at the end of a message that has no list there (Attach and Volume end in a list); it is
//     optional, and its absence means what was the case before it existed;
//   - a peer refuses, by ending the connection, a kind that it does not know and a message that
//     lacks a field. A new kind, or another meaning of a field, therefore needs a new number.
// The first message, Hello, says the number. It never changes its form. A peer that reads another
// number refuses: a holder ends that daemon, and a mounter closes the connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/fuse_mount.h"

namespace downwardfs {

inline constexpr std::uint32_t kHolderProtocol = 1;
/// The environment variable in which a daemon finds its end of the channel.
inline constexpr char kHolderFdVariable[] = "DOWNWARDFS_HOLDER_FD";
/// A daemon's exit status: the handover memory is damaged or of another format. The holder mounts
/// anew.
inline constexpr int kExitHandoverRefused = 3;

/// The record of a mount's daemons so far.
struct DaemonFigures {
  std::uint64_t generation = 0;           ///< daemons that were started
  std::uint64_t deaths = 0;               ///< of them, those that nobody had asked to end
  std::uint64_t last_handover_us = 0;     ///< how long nobody served before the present one did
  std::uint64_t longest_handover_us = 0;  ///< the longest such time
};

namespace message {

/// First on every connection, from the side that asks: a daemon, or a mounter's supervisor.
struct Hello {
  std::uint32_t protocol = kHolderProtocol;
};

/// Holder or supervisor to a daemon: what the daemon has to know. Of `mount` it has the path and
/// the memory, and if it is mounted also mount_id, device, publisher and poison. A supervisor's has
/// a memory of no volume alone, which the daemon claims for itself; Volumes follow.
struct Attach {
  DaemonFigures figures;
  bool resend = true;                     ///< ask the kernel for unanswered requests
  std::chrono::milliseconds watchdog{0};  ///< a sign of life is expected so often; 0: never
  /// Since when nobody serves.
  std::optional<std::chrono::steady_clock::time_point> unserved_since;
  FuseMount mount;
};

/// Daemon to holder: mount now. The answer is Mounted or Refused.
struct MountNow {
  std::string source;  ///< of the mount, as the mount table shows it
};

/// Holder to daemon: mount_id, device, and publisher if there is one.
struct Mounted {
  FuseMount mount;
};

/// Holder to daemon: it could not be mounted. Mounter to supervisor: another one is served.
struct Refused {
  std::string why;
};

/// Daemon to holder: the process that waits for the mount may go on.
struct Ready {};

/// Daemon to its parent: the requests of the daemon before it are taken care of.
struct Serving {};

/// Daemon to its parent, now and then; without it the watchdog ends the daemon. To a mounter,
/// instead of Hello: is anybody there? It answers with the same.
struct Alive {};

/// Holder or mounter: the public mount is gone.
struct Detached {
  std::string id;  ///< the volume_id; a holder, which has one mount, sends none
};

/// Daemon to holder: a signal asked the daemon to end; unmount.
struct Stop {};

/// Supervisor to mounter and back, and to a daemon: a volume that is mounted. It has everything but
/// mount_id and publisher.
struct Volume {
  FuseMount mount;
};

/// The listening sockets, both ways.
struct Sockets {
  OwnedFd csi;
  OwnedFd registration;  ///< optional
};

/// That was all that the sender has. Supervisor to daemon, also later: whether the mounter is away.
struct Synced {
  bool mounter_away = false;
};

/// Daemon to supervisor to mounter, like those that follow. Each has a serial that its Done
/// repeats. The answer is a FuseMount: file_system, device, and view if there is one.
struct MountVolume {
  std::uint64_t serial = 0;
  bool replace = false;  ///< a dead mount of ours may be in the way
  std::string id;
  std::string path;
  std::string source;
  std::string selinux_context;  ///< optional
  OwnedFd memory;
};

/// The answer says no more than that it is done.
struct UnmountVolume {
  std::uint64_t serial = 0;
  bool ours = false;  ///< the mount there is this volume's
  std::string id;
  std::string path;
};

/// The answer is a connection to a publisher's process.
struct StartPublisher {
  std::uint64_t serial = 0;
};

/// Is the directory of the pod there that `path` belongs to? The answer is a bool.
struct FindPodDirectory {
  std::uint64_t serial = 0;
  std::string path;
};

/// Descriptors, which are moved and never copied. A std::vector of them claims that it can be
/// copied, and fails only where somebody asks (clang does, to choose among Encode()s).
class MovedFds : public std::vector<OwnedFd> {
 public:
  MovedFds() = default;
  MovedFds(std::vector<OwnedFd> fds) : std::vector<OwnedFd>(std::move(fds)) {}
  MovedFds(MovedFds&&) = default;
  MovedFds& operator=(MovedFds&&) = default;
};

/// The answer to one of the four. The codec alone knows what it holds: DoneWith() makes it, and
/// MountIn() and its like take it (holder_answers.h). So a supervisor can pass it on.
struct Done {
  std::uint64_t serial = 0;
  std::optional<Error> error;
  struct Body {
    std::vector<std::uint64_t> numbers;
    std::string text;
    MovedFds fds;
  } body;
};

// Holder or mounter to the publisher's process that it has started, over the control socket.

/// A daemon's new connection takes the place of the one before.
struct ConnectDaemon {
  OwnedFd connection;
};

/// The public mount is gone: close the view.
struct DropView {};

}  // namespace message

using HolderMessage =
    std::variant<message::Hello, message::Attach, message::MountNow, message::Mounted,
                 message::Refused, message::Ready, message::Serving, message::Alive,
                 message::Detached, message::Stop, message::Volume, message::Sockets,
                 message::Synced, message::MountVolume, message::UnmountVolume,
                 message::StartPublisher, message::FindPodDirectory, message::Done>;

using PublisherOrder = std::variant<message::ConnectDaemon, message::DropView>;

/// For std::visit(): one function object of several lambdas.
template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace downwardfs
