// SPDX-License-Identifier: Apache-2.0
//
// The place of a CSI volume: target_path, checked and held open element by element, so that
// nobody can put a symlink in the way between the check and the mount (openat2(2)). With a
// kubelet's root directory only D/pods/UID/volumes/kubernetes.io~csi/VOLUME/mount is a place
// (kubernetes pkg/volume/csi/csi_mounter.go, getTargetPath). Used by one thread; nothing is asked
// of the file system that is mounted there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// The parts of a target_path of the kubelet.
struct KubeletTarget {
  std::string pod_uid;  ///< of a static pod: its config.hash
  std::string volume;   ///< the name in the pod's spec
};
/// Nothing if `path` is no such path under `kubelet_dir`.
std::optional<KubeletTarget> ParseKubeletTarget(std::string_view kubelet_dir,
                                                std::string_view path);

/// The same path without doubled slashes, and without one at its end.
std::string PlainPath(std::string_view path);

class VolumePlace {
 public:
  /// Holds the directory open that has, or will have, the target. `kubelet_dir` empty: any absolute
  /// path. kNotFound if it does not exist, kInvalidArgument names the rule that `path` breaks.
  static Result<VolumePlace> Open(const std::string& kubelet_dir, const std::string& path);

  /// Whether the kubelet has the place for a volume of that driver: its own record beside the
  /// target says so (volume_data.h), and is read with the same steps as the place is found.
  /// kPermissionDenied if it is another driver's, or another volume's; kFailedPrecondition if there
  /// is no record, or none that can be read. True of every place without `kubelet_dir`.
  Status CheckOwner(const std::string& driver) const;
  /// The target is there, or something else in its place. True also if that cannot be known.
  bool Exists() const;
  /// Makes the target, 0750 as the kubelet does, unless it is there; holds it open.
  Result<OwnedFd> OpenTarget() const;
  /// The path without symlinks, as mountinfo shows it.
  Result<std::string> RealPath() const;
  /// The file system that is mounted on the target ("0:45"); empty: nothing is. Nothing if the
  /// kernel does not say (before Linux 5.8).
  std::optional<std::string> MountedThere() const;
  /// Detaches what is mounted on the target.
  Status Detach() const;
  /// Removes the target, an empty directory. kFailedPrecondition if it is not empty: its files are
  /// somebody's data and stay.
  Status RemoveTarget() const;

 private:
  VolumePlace(OwnedFd parent, std::string name, std::string path)
      : parent_(std::move(parent)), name_(std::move(name)), path_(std::move(path)) {}
  Result<std::string> ReadVolumeData() const;

  OwnedFd parent_;
  std::string name_;    // of the target in it
  std::string path_;    // as it was given
  std::string volume_;  // of the kubelet's; empty: of no kubelet
};

/// A directory below the kubelet's root, walked without a symlink. O_PATH. kNotFound if there is no
/// such directory.
Result<OwnedFd> OpenInKubeletDir(const std::string& kubelet_dir, const std::string& path);

/// True if the directory of the pod that `path` belongs to exists. True also if that cannot be
/// known, and for every path without `kubelet_dir`.
bool PodDirectoryExists(const std::string& kubelet_dir, const std::string& path);

}  // namespace downwardfs
