// SPDX-License-Identifier: Apache-2.0
#include "cli/volume_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/owned_fd.h"
#include "base/text.h"
#include "fs/projection/json_access.h"

namespace downwardfs {
namespace {

constexpr std::size_t kLongestVolumeFile = std::size_t{1} << 20;

// A directory that shows a volume, or the part `sub_path` of it.
struct VolumeDirectory {
  std::string directory;
  std::string sub_path;
};

void AddMounts(const Json& container, const std::string& volume,
               std::vector<VolumeDirectory>& places) {
  const Json* const mounts = FindMember(&container, "volumeMounts");
  if (mounts == nullptr || !mounts->is_array()) return;
  for (const Json& mount : *mounts) {
    const std::string directory = ScalarMember(&mount, "mountPath");
    if (ScalarMember(&mount, "name") != volume || directory.empty()) continue;
    if (FindMember(&mount, "subPathExpr") != nullptr) continue;
    places.push_back({directory, ScalarMember(&mount, "subPath")});
  }
}

std::vector<VolumeDirectory> DirectoriesOf(const Json& pod, const std::string& container,
                                           const std::string& volume,
                                           const std::string& kubelet_dir) {
  std::vector<VolumeDirectory> own;
  std::vector<VolumeDirectory> others;
  for (const char* const list_name : {"containers", "initContainers", "ephemeralContainers"}) {
    const Json* const list = FindMember(FindMember(&pod, "spec"), list_name);
    if (list == nullptr || !list->is_array()) continue;
    for (const Json& entry : *list) {
      AddMounts(entry, volume, ScalarMember(&entry, "name") == container ? own : others);
    }
  }
  own.insert(own.end(), others.begin(), others.end());
  const std::string uid = ScalarMember(FindMember(&pod, "metadata"), "uid");
  if (!uid.empty() && uid.find('/') == std::string::npos) {
    own.push_back(
        {Concat({kubelet_dir, "/pods/", uid, "/volumes/kubernetes.io~empty-dir/", volume}), ""});
  }
  return own;
}

// `path` of the volume below a mount of its part `sub_path`; empty if it is not in that part.
std::string Below(std::string path, const std::string& sub_path) {
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  if (sub_path.empty()) return path;
  const std::string prefix = sub_path.back() == '/' ? sub_path : sub_path + "/";
  return path.rfind(prefix, 0) == 0 ? path.substr(prefix.size()) : "";
}

// Links are followed as if the directory were the root, as the kubelet does.
OwnedFd OpenInRoot(int directory, const std::string& path) {
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return OwnedFd(static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

}  // namespace

VolumeFiles::VolumeFiles(const Json& pod, std::string container, std::string kubelet_dir)
    : pod_(std::make_unique<const Json>(pod)),
      container_(std::move(container)),
      kubelet_dir_(std::move(kubelet_dir)) {}

VolumeFiles::~VolumeFiles() = default;

Result<std::string> VolumeFiles::Read(const std::string& volume, const std::string& path) {
  std::string tried;
  for (const VolumeDirectory& place : DirectoriesOf(*pod_, container_, volume, kubelet_dir_)) {
    tried += (tried.empty() ? "" : ", ") + place.directory;
    const std::string below = Below(path, place.sub_path);
    if (below.empty()) continue;
    const OwnedFd directory(open(place.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) continue;
    const OwnedFd file = OpenInRoot(directory.get(), below);
    if (!file) return Fail(ErrnoError(errno, place.directory + "/" + below));
    struct stat st = {};
    if (fstat(file.get(), &st) != 0) return Fail(ErrnoError(errno, below));
    if (!S_ISREG(st.st_mode)) return Fail(ErrorCode::kInvalidArgument, "is not a regular file");
    return ReadAll(file.get(), place.directory + "/" + below, kLongestVolumeFile);
  }
  return Fail(ErrorCode::kFailedPrecondition,
              "the volume cannot be reached from here (tried: " +
                  (tried.empty() ? "nothing, as no container mounts it" : OneLine(tried)) + ")");
}

}  // namespace downwardfs
