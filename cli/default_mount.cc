// SPDX-License-Identifier: Apache-2.0
#include "cli/default_mount.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "base/text.h"
#include "cli/ask_status.h"
#include "cli/mount_at.h"
#include "client/config/resolve.h"
#include "fs/cluster/file_names.h"

namespace downwardfs {
namespace {

// Enter alone means yes; the end of the input does not.
bool SaysYes() {
  char answer[64];
  if (std::fgets(answer, sizeof answer, stdin) == nullptr) return false;
  return answer[0] == '\n' || answer[0] == 'y' || answer[0] == 'Y';
}

// True if it is mounted there and served. The kernel answers a stat of a dead mount from its cache,
// so the daemon itself is asked.
Result<bool> IsMountedAt(const std::string& path) {
  const auto mount = FindMountAt(path);
  if (!mount && mount.error().code == ErrorCode::kNotFound) return false;
  if (!mount) return Fail(mount.error());
  if (!*mount || !IsDownwardfs(**mount)) return false;
  if (auto status = AskStatus((*mount)->mount_point); !status) {
    if (status.error().code != ErrorCode::kUnavailable) return Fail(std::move(status.error()));
    return Fail(ErrorCode::kFailedPrecondition,
                path + ": mounted, but its daemon is gone; `downwardfs umount " + path + "` first");
  }
  return true;
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
