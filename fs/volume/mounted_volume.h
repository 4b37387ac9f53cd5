// SPDX-License-Identifier: Apache-2.0
//
// One mounted volume: its FUSE session, its layout, and the way in which it comes to
// show another version. The threads belong to the SessionLoop and the LanePool, which all volumes
// of a process share and which outlive them.
//
// Owned and unmounted by one thread; Publish(), SetResourceVersion() and the figures may be used by
// any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "fs/fuse/lane_pool.h"
#include "fs/fuse/session_loop.h"
#include "fs/volume/volume_layout.h"
#include "fs/volume/volume_options.h"
#include "fs/volume/volume_update.h"
#include "fs/volume/volume_version.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/handover_memory.h"

namespace downwardfs {

struct ServedVolume;

class MountedVolume {
 public:
  /// Mounts the volume, which shows `version` from the first request on. Nothing is left behind
  /// where it fails: one line says why (no /dev/fuse, no permission, refused by fusermount3).
  static Result<std::unique_ptr<MountedVolume>> Mount(MountedVolumeOptions options,
                                                      VolumeVersionPtr version,
                                                      std::string resource_version,
                                                      SessionLoop& loop, LanePool& lanes);

  /// The same under a holder: `mount` has it mounted, `memory` is what a daemon after this one goes
  /// on with.
  static Result<std::unique_ptr<MountedVolume>> MountHeld(
      MountedVolumeOptions options, VolumeVersionPtr version, std::string resource_version,
      std::shared_ptr<const HandoverMemory> memory, const std::function<Result<FuseMount>()>& mount,
      SessionLoop& loop, LanePool& lanes);
  /// Goes on with a mount that another daemon has served. kFailedPrecondition where the handover
  /// memory is damaged.
  static Result<std::unique_ptr<MountedVolume>> Resume(MountedVolumeOptions options,
                                                       std::shared_ptr<const HandoverMemory> memory,
                                                       FuseMount mount, SessionLoop& loop,
                                                       LanePool& lanes);

  /// Unmount().
  ~MountedVolume();

  /// The version that is shown.
  VolumeVersionPtr shown() const;

  /// Shows `version` from now on; does not wait for it. Of several that are published faster than
  /// the kernel can be brought to show them, the last is shown.
  void Publish(VolumeVersionPtr version, std::string resource_version);
  /// Records a newer resourceVersion for which the files are the same.
  void SetResourceVersion(std::string resource_version);

  /// The inodes belong to a group from now on, or to none.
  void SetFsGroup(std::optional<std::uint32_t> group);

  /// Polls readable once the file system is mounted nowhere any more.
  int ended_fd() const;
  /// The id of the mount (mount-helper/mount_watch.h); -1 for an ordinary user's.
  int mount_id() const;
  /// The number of its file system, which tells it from a later mount with the same id.
  const std::string& file_system() const;
  /// Nobody is left who would have another daemon go on. If the publisher has gone too, changes are
  /// shown by notification from now on, without events; what it has left undone is shown now.
  void GoOnAlone();
  /// Changes are made through the kernel, and those who watch get events.
  bool raises_events() const;
  /// The mount is gone from the mount table. Users of the file system are served until the
  /// end; without this it would not end, since we use it ourselves.
  void Detach();
  /// Ends the session and unmounts lazily. Its users get ENOTCONN. Nothing
  /// may be published any more.
  void Unmount();

  VolumeStats stats() const;
  std::map<std::string, std::uint64_t> requests() const;
  /// Versions that were shown without inotify events.
  std::uint64_t without_events() const;
  /// A change of the volume hangs, because somebody holds a directory of it.
  bool stuck() const;
  /// False if the kernel gave no writable view of the mount: then changes raise no events.
  bool has_writable_view() const;
  /// GoOnAlone() was called, and the publisher has gone too.
  bool lost_its_helpers() const;
  /// Changes wait, and become one, because their owner changes too often.
  bool held_back() const;
  bool allows_idmap() const;
  /// One line that says what this mount's users lose on the running kernel; empty if nothing. Of a
  /// mount that this process has made; waits for the kernel's first request, two seconds at most.
  std::string DescribeShortfall() const;

 private:
  explicit MountedVolume(std::shared_ptr<ServedVolume> state);
  static void FinishLater(const std::shared_ptr<ServedVolume>& state, const Lane::Poster& lane,
                          VolumeUpdate::Later later);
  static Status MountAsRoot(ServedVolume& state);
  static Status MountAsUser(ServedVolume& state);
  static Result<std::unique_ptr<MountedVolume>> Serve(const std::shared_ptr<ServedVolume>& state,
                                                      SessionLoop& loop, LanePool& lanes);

  const std::shared_ptr<ServedVolume> state_;  // tasks and requests in work hold it too
  SessionLoop* loop_ = nullptr;
  std::uint64_t served_ = 0;
  bool unmounted_ = false;
  std::unique_ptr<Lane> lane_;
  std::unique_ptr<Lane> copies_;  // of the handover log: a lane that hangs must not keep it growing
};

}  // namespace downwardfs
