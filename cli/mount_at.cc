// SPDX-License-Identifier: Apache-2.0
#include "cli/mount_at.h"

#include <cerrno>
#include <filesystem>
#include <utility>

namespace downwardfs {
namespace {

// A path without symlinks but for its last element, and without a question to the file system that
// is mounted there: its daemon may hang.
Result<std::string> Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return Fail(ErrnoError(error.value(), path));
  // "k8s/" has an empty last element.
  const auto last = whole.has_filename() ? whole : whole.parent_path();
  const auto parent = std::filesystem::canonical(last.parent_path(), error);
  if (error) return Fail(ErrnoError(error.value(), path));
  return (parent / last.filename()).string();
}

}  // namespace

Result<std::optional<MountEntry>> FindMountAt(std::string path) {
  constexpr int kLinks = 40;  // as the kernel
  for (int i = 0; i < kLinks; ++i) {
    auto at = Absolute(path);
    if (!at) return Fail(std::move(at.error()));
    auto mount = FindMount(*at);
    if (!mount || *mount) return mount;
    std::error_code error;
    const auto target = std::filesystem::read_symlink(*at, error);
    if (error) return mount;
    path = (std::filesystem::path(*at).parent_path() / target).string();
  }
  return Fail(ErrnoError(ELOOP, path));
}

}  // namespace downwardfs
