// SPDX-License-Identifier: Apache-2.0
// How results become FUSE replies. For operations.cc only, on serving threads; no lock is held.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fs/fuse/file_system.h"

struct fuse_req;

namespace downwardfs {

inline constexpr std::uint64_t kBlockSize = 4096;

struct stat ToStat(const InodeAttr& attr);

/// The part of `content` that a READ of `size` bytes at `offset` asks for.
void ReplyContent(fuse_req* request, std::string_view content, std::size_t size,
                  std::int64_t offset);
/// As many of the names after the cookie `offset` as fit into `size` bytes.
void ReplyListing(fuse_req* request, const Listing& listing, std::size_t size, std::int64_t offset);
void ReplyTotals(fuse_req* request, const FileSystem::Totals& totals);
/// Both xattr calls first ask for the size (`size` 0), then for the bytes.
void ReplyXattr(fuse_req* request, std::string_view value, std::size_t size);

}  // namespace downwardfs
