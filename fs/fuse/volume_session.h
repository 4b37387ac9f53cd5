// SPDX-License-Identifier: Apache-2.0
//
// One mounted volume: its FUSE session, the threads that answer the kernel, and the publisher.
// libfuse stays behind this header. Owned and driven by one thread (main); Publish() and the
// counters may be used by any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "fs/fuse/node_table.h"
#include "fs/tree/volume_version.h"

namespace downwardfs {

struct VolumeSessionOptions {
  std::string mount_point;   ///< an absolute path without symlinks
  std::string fs_name;       ///< the mount's source, as /proc/self/mountinfo shows it
  bool allow_other = false;  ///< let other users read (root, or user_allow_other in fuse.conf)
  Ownership ownership;
  int threads = 4;  ///< that serve requests
  /// JSON for `downwardfs status`; called on serving threads, must not block.
  std::function<std::string()> status;
};

class VolumeSession {
 public:
  /// Mounts. Nothing is left behind where it fails: one line says why (no /dev/fuse, no permission,
  /// refused by fusermount3). The mount answers once Serve() runs.
  static Result<std::unique_ptr<VolumeSession>> Mount(VolumeSessionOptions options);

  /// Stops, and unmounts if it is still mounted.
  ~VolumeSession();

  /// Shows `version` from now on.
  void Publish(VolumeVersionPtr version, std::string resource_version);
  /// The shown version is right for a newer resourceVersion too.
  void SetResourceVersion(std::string resource_version);

  /// Answers requests until the volume is unmounted from outside or one of the blocked `signals`
  /// of the calling thread arrives, then unmounts. Returns the signal's number, 0 after an umount.
  Result<int> Serve();

  NodeTable::Stats stats() const;
  std::map<std::string, std::uint64_t> requests() const;

 private:
  struct Impl;
  explicit VolumeSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace downwardfs
