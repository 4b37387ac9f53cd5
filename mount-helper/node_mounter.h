// SPDX-License-Identifier: Apache-2.0
//
// The privileged half of the node plugin: mounts and unmounts volumes at target_paths that keep to
// the rules, binds the listening sockets, starts publisher's processes, and keeps the descriptors
// of every volume, so that a supervisor that has died gets them back. In a cluster it is the pod
// `downwardfs-holder`. It does what its client asks and trusts nothing of it: no path but those of
// CSI volumes that the kubelet has given to our driver, no file system but those that it has
// mounted itself, no descriptor that could hang it (descriptor_gate.h), no more volumes and
// processes than these limits:
//
//   volumes       kMostVolumes, and what RLIMIT_NOFILE has room for; one for each place and each
//                 file system, so that the kubelet decides how many there are
//   publishers    kMostPublishers processes
//   offers        as many as volumes; only before Synced
//
// A client that breaks the protocol is dropped. Messages and refusals are counted, and logged when
// the client has gone.
//
// One client at a time, from its hello until its connection ends; others are told so meanwhile. One
// thread; nothing it does waits for a file system.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/client_door.h"
#include "mount-helper/descriptor_gate.h"
#include "mount-helper/file_system_set.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/mount_watch.h"
#include "mount-helper/stopped_children.h"
#include "mount-helper/unix_socket.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {

struct NodeMounterOptions {
  std::string socket;        ///< to listen at for clients; empty: `channel` is the only one
  OwnedFd channel;           ///< a connection to the client
  std::string kubelet_dir;   ///< its root directory; empty: volumes may be anywhere
  std::string driver;        ///< the driver's name: whose places under it are ours
  std::string csi_socket;    ///< to bind for the daemon
  std::string registration;  ///< the same, in the kubelet's plugins_registry; empty: none
  std::string plugin_dir;    ///< to make, for the sockets; empty: it is there
  std::string state_dir;     ///< to make for the daemon; empty: it has one
  std::optional<SocketOwner> client;  ///< may connect, and owns the sockets
};

class NodeMounter {
 public:
  static constexpr std::size_t kMostVolumes = 4096;
  static constexpr std::size_t kMostPublishers = 64;
  static constexpr std::size_t kLongestVolumeId = 128;  // CSI specification: size limits

  explicit NodeMounter(NodeMounterOptions options) : options_(std::move(options)) {}

  /// Runs until SIGTERM, or until its only client is gone; returns the process's exit status.
  /// Mounted volumes stay mounted: others hold the descriptors too. The sockets are removed if
  /// nobody else serves them; after SIGTERM a client has three seconds to end as well.
  int Run();

 private:
  using Clock = std::chrono::steady_clock;

  Status SetUp();
  Status MakeDirectories() const;
  void Welcome(OwnedFd client);
  void DropClient(const char* why);
  void SayRefused(const std::string& id, const std::string& why);
  void TakeMessage();
  bool TakeTurn(HolderMessage& message);
  template <class Answer>
  void SayDone(std::uint64_t serial, Answer answer);
  void Take(message::Hello& hello);
  bool TakeOffer(message::Volume& offer);
  Status CheckOffer(const FuseMount& offer);
  bool TakeOffer(message::Sockets& offer);
  void SayDetached(const std::string& id);
  void Synchronize();
  Status BindSockets();
  void RemoveSockets() const;
  Status CheckRoom(const message::MountVolume& request) const;
  Result<FuseMount> Mount(const message::MountVolume& request);
  bool IsAt(const std::string& id, const std::string& path) const;
  Status ClearPlace(const VolumePlace& place, bool ours_may_be_there);
  void ClearSubpaths(const std::string& path);
  void Forget(const std::string& id);
  Status Unmount(const message::UnmountVolume& request);
  Result<OwnedFd> StartPublisher();
  void CheckMounts();
  bool TakeSignals();
  void EndStoppedPublishers();
  int WaitTime() const;
  template <class Message>
  bool Send(const Message& message);

  NodeMounterOptions options_;
  std::size_t most_volumes_ = kMostVolumes;
  DescriptorGate gate_;
  std::optional<FileSystemSet> own_;
  std::optional<MountWatch> watch_;
  OwnedFd signals_;
  // Publishers: a call of one that is stopped would keep its volume's lane for ever.
  StoppedChildren stopped_{std::chrono::seconds(10)};
  ClientDoor door_;
  OwnedFd client_;
  bool offers_ = false;        // it says what it has, and asks for nothing yet
  std::size_t messages_ = 0;   // of this client
  std::size_t refusals_ = 0;   // of them, those that it was refused
  bool said_refused_ = false;  // of those who came while this client lives
  message::Sockets sockets_;
  std::map<std::string, FuseMount> volumes_;  // by volume_id
  std::set<std::string> offered_;             // by the client, in the exchange that is under way
  std::set<pid_t> publishers_;
  // Many mounts come and go together: the table is read once for all.
  Clock::time_point check_at_ = Clock::time_point::max();
  Clock::time_point end_at_ = Clock::time_point::max();  // after a signal to end
};

}  // namespace downwardfs
