// SPDX-License-Identifier: Apache-2.0
//
// The privileged half of the node plugin: mounts and unmounts volumes at target_paths that keep to
// the rules, binds the listening sockets, starts publisher's processes, and keeps the descriptors
// of every volume, so that a supervisor that has died gets them back. In a cluster it is the pod
// `downwardfs-holder`. It does what its client asks and trusts nothing of it: no path but those of
// CSI volumes, no file system but those that it has mounted itself.
//
// One client at a time, from its hello until its connection ends; others are told so meanwhile. One
// thread; nothing it does waits for a file system.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/client_door.h"
#include "mount-helper/file_system_set.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/holder_protocol.h"
#include "mount-helper/mount_watch.h"
#include "mount-helper/unix_socket.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {

struct NodeMounterOptions {
  std::string socket;        ///< to listen at for clients; empty: `channel` is the only one
  OwnedFd channel;           ///< a connection to the client
  std::string kubelet_dir;   ///< its root directory; empty: volumes may be anywhere
  std::string csi_socket;    ///< to bind for the daemon
  std::string registration;  ///< the same, in the kubelet's plugins_registry; empty: none
  std::string plugin_dir;    ///< to make, for the sockets; empty: it is there
  std::string state_dir;     ///< to make for the daemon; empty: it has one
  std::optional<SocketOwner> client;  ///< who may connect, and whose the sockets are
};

class NodeMounter {
 public:
  explicit NodeMounter(NodeMounterOptions options) : options_(std::move(options)) {}

  /// Runs until SIGTERM, or until its only client is gone; returns the process's exit status. What
  /// is mounted stays mounted: others hold the descriptors too.
  int Run();

 private:
  using Clock = std::chrono::steady_clock;

  Status SetUp();
  Status MakeDirectories() const;
  void Welcome(OwnedFd client);
  void TakeMessage();
  void Take(message::Hello& hello);
  void Take(message::Volume& offer);
  void Take(message::Sockets& sockets);
  void SayDetached(const std::string& id);
  void Synchronize();
  Status BindSockets();
  Result<FuseMount> Mount(const message::MountVolume& request);
  bool IsAt(const std::string& id, const std::string& path) const;
  Status ClearPlace(const VolumePlace& place, bool ours_may_be_there);
  void Forget(const std::string& id);
  Status Unmount(const message::UnmountVolume& request);
  Result<OwnedFd> StartPublisher();
  void CheckMounts();
  bool TakeSignals();
  template <class Message>
  bool Send(const Message& message);

  NodeMounterOptions options_;
  std::optional<FileSystemSet> own_;
  std::optional<MountWatch> watch_;
  OwnedFd signals_;
  ClientDoor door_;
  OwnedFd client_;
  bool said_refused_ = false;  // of those who came while this client lives
  message::Sockets sockets_;
  std::map<std::string, FuseMount> volumes_;  // by volume_id
  std::set<std::string> offered_;             // by the client, in the exchange that is under way
  // Many mounts come and go together: the table is read once for all.
  Clock::time_point check_at_ = Clock::time_point::max();
};

}  // namespace downwardfs
