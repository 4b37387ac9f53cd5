// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/subpath_mounts.h"

#include <sys/mount.h>

#include <algorithm>
#include <utility>

#include "mount-helper/mount_identity.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

// The folder that has a volume's folders of containers, without symlinks.
Result<OwnedFd> OpenSubpaths(const std::string& kubelet_dir, const std::string& target_path) {
  const auto target = ParseKubeletTarget(kubelet_dir, target_path);
  if (!target) return Fail(ErrorCode::kNotFound, target_path);
  return OpenInKubeletDir(kubelet_dir,
                          "pods/" + target->pod_uid + "/volume-subpaths/" + target->volume);
}

// CONTAINER/INDEX below `folder`.
bool IsSubpath(const std::string& path, const std::string& folder) {
  if (path.compare(0, folder.size(), folder) != 0) return false;
  return path.size() > folder.size() && path[folder.size()] == '/' &&
         std::count(path.begin() + static_cast<std::ptrdiff_t>(folder.size()), path.end(), '/') ==
             2;
}

}  // namespace

bool HasSubpaths(const std::string& kubelet_dir, const std::string& target_path) {
  return OpenSubpaths(kubelet_dir, target_path).has_value();
}

std::vector<MountEntry> FindDeadSubpaths(const std::vector<MountEntry>& table,
                                         const std::string& kubelet_dir,
                                         const std::string& target_path,
                                         const FileSystemSet& served) {
  std::vector<MountEntry> dead;
  const auto folder = OpenSubpaths(kubelet_dir, target_path);
  if (!folder) return dead;
  const auto path = PathOfDescriptor(folder->get());
  if (!path) return dead;
  for (const MountEntry& mount : table) {
    if (IsDownwardfs(mount) && !served.Has(mount.device) && IsSubpath(mount.mount_point, *path)) {
      dead.push_back(mount);
    }
  }
  // One may lie on another: the last is on top.
  std::reverse(dead.begin(), dead.end());
  return dead;
}

Status DetachSubpaths(const std::vector<MountEntry>& mounts) {
  Status all;
  for (const MountEntry& mount : mounts) {
    auto gone = RemoveMount(mount.id, mount.device, MNT_DETACH);
    if (!gone && gone.error().code != ErrorCode::kNotFound && all) all = std::move(gone);
  }
  return all;
}

}  // namespace downwardfs
