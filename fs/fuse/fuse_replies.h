// SPDX-License-Identifier: Apache-2.0
// What every operation table answers with. For the .cc files with FUSE operations only; any thread.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fs/fuse/volume_nodes.h"

struct fuse_req;

namespace downwardfs {

inline constexpr std::uint64_t kBlockSize = 4096;

struct stat ToStat(const NodeAttr& attr);

/// Both xattr calls first ask for the size (`size` 0), then for the bytes.
void ReplyXattr(fuse_req* request, std::string_view value, std::size_t size);

}  // namespace downwardfs
