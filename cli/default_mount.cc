// SPDX-License-Identifier: Apache-2.0
#include "cli/default_mount.h"

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
  const auto mounted = FindMount(options.mount_point);
  if (mounted && *mounted && IsDownwardfs(**mounted)) {
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
