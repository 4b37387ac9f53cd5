// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/handover_checks.h"

#include <algorithm>
#include <set>
#include <string>

namespace downwardfs {
namespace {

constexpr std::size_t kMostNameBytes = 1024;  // FUSE_NAME_MAX of Linux
constexpr std::size_t kMostPathBytes = 4096;
constexpr std::uint32_t kPermissions = 07777;

bool IsPath(std::string_view path) {
  if (path.size() > kMostPathBytes) return false;
  for (;;) {
    const auto slash = path.find('/');
    if (!IsFileName(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool AreFilesOfOneTree(const std::vector<ProjectedFile>& files) {
  std::set<std::string_view> paths;
  for (const ProjectedFile& file : files) {
    if (!IsPath(file.path) || (file.mode & ~kPermissions) != 0) return false;
    if (!paths.insert(file.path).second) return false;
  }
  // No directory above a file is a file.
  return std::none_of(files.begin(), files.end(), [&](const ProjectedFile& file) {
    const std::string_view path = file.path;
    for (auto slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
      if (paths.count(path.substr(0, slash)) != 0) return true;
    }
    return false;
  });
}

bool IsTime(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
  return since.count() >= 0 && since.count() < static_cast<std::int64_t>(kHighestNumber);
}

}  // namespace downwardfs
