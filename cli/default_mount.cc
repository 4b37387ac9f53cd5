// SPDX-License-Identifier: Apache-2.0
#include "cli/default_mount.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "base/text.h"
#include "client/config/resolve.h"
#include "fs/cluster/file_names.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {
namespace {

// Enter alone means yes; the end of the input does not.
bool SaysYes() {
  char answer[64];
  if (std::fgets(answer, sizeof answer, stdin) == nullptr) return false;
  return answer[0] == '\n' || answer[0] == 'y' || answer[0] == 'Y';
}

// True if it is mounted there and served.
Result<bool> IsMountedAt(const std::string& path) {
  struct stat st = {};
  if (stat(path.c_str(), &st) != 0) {
    if (errno != ENOTCONN) return false;
    return Fail(ErrorCode::kFailedPrecondition,
                path + ": mounted, but its daemon is gone; `downwardfs umount " + path + "` first");
  }
  // /proc/self/mountinfo knows no symlinks.
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error) return Fail(ErrnoError(error.value(), path));
  const auto mounted = FindMount(real.string());
  return mounted && *mounted && IsDownwardfs(**mounted);
}

}  // namespace

Result<std::optional<MountOptions>> AskWhereToMount(MountOptions options) {
  auto config = client::ResolveClusterConfig(options.source.server);
  if (!config) return Fail(std::move(config.error()));
  const char* const home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
  if (home == nullptr || *home == '\0') {
    return Fail(ErrorCode::kInvalidArgument, "$HOME is not set; give a MOUNTPOINT");
  }
  const std::string name = ToFileName(config->context.empty() ? "cluster" : config->context);
  options.mount_point = Concat({home, "/k8s/", name});
  if (!options.what.is_tree()) options.what.cluster = true;
  auto mounted = IsMountedAt(options.mount_point);
  if (!mounted) return Fail(std::move(mounted.error()));
  if (*mounted) {
    std::fprintf(stderr, "downwardfs: already mounted at %s\n",
                 OneLine(options.mount_point).c_str());
    return std::nullopt;
  }
  std::fprintf(stderr, "Mount %s (%s) at %s? [Y/n] ", OneLine(config->server).c_str(),
               OneLine(config->origin).c_str(), OneLine(options.mount_point).c_str());
  if (!SaysYes()) {
    std::fputs("downwardfs: nothing is mounted\n", stderr);
    return std::nullopt;
  }
  std::error_code error;
  std::filesystem::create_directories(options.mount_point, error);
  if (error) return Fail(ErrnoError(error.value(), options.mount_point));
  return std::optional(std::move(options));
}

}  // namespace downwardfs
