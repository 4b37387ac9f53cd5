// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/fuse_replies.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>

namespace downwardfs {
namespace {

static_assert(kDirectoryType == S_IFDIR && kFileType == S_IFREG && kLinkType == S_IFLNK);

// libfuse's own number for an inode that is not known: 0 would hide the name from readdir(3).
constexpr InodeId kUnknownInode = 0xffff'ffff;

constexpr fsblkcnt_t kFreeBlocks = 16384;  // 64 MiB, as a small tmpfs
constexpr fsfilcnt_t kFreeFiles = 16384;

}  // namespace

struct stat ToStat(const InodeAttr& attr) {
  struct stat st = {};
  st.st_ino = attr.id;
  st.st_mode = attr.mode;
  st.st_nlink = attr.links;
  st.st_uid = attr.uid;
  st.st_gid = attr.gid;
  st.st_size = static_cast<off_t>(attr.size);
  st.st_blksize = kBlockSize;
  // As tmpfs counts: whole pages for a file's content, nothing for names and short links.
  if (S_ISREG(attr.mode)) {
    st.st_blocks =
        static_cast<blkcnt_t>((attr.size + kBlockSize - 1) / kBlockSize * (kBlockSize / 512));
  }
  const auto since_epoch = attr.time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  st.st_mtim.tv_sec = seconds.count();
  st.st_mtim.tv_nsec =
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch - seconds).count();
  st.st_ctim = st.st_mtim;
  st.st_atim = st.st_mtim;
  return st;
}

void ReplyContent(fuse_req* request, std::string_view content, std::size_t size,
                  std::int64_t offset) {
  const auto from =
      std::min(static_cast<std::size_t>(std::max<std::int64_t>(offset, 0)), content.size());
  fuse_reply_buf(request, content.data() + from, std::min(size, content.size() - from));
}

void ReplyListing(fuse_req* request, const Listing& listing, std::size_t size,
                  std::int64_t offset) {
  std::string buffer(size, '\0');
  std::size_t used = 0;
  const auto after = static_cast<std::uint64_t>(std::max<std::int64_t>(offset, 0));
  // Cookies grow along the listing, so "after this one" holds even when that one is gone.
  auto entry = std::upper_bound(
      listing->begin(), listing->end(), after,
      [](std::uint64_t cookie, const DirectoryEntry& other) { return cookie < other.cookie; });
  for (; entry != listing->end(); ++entry) {
    struct stat st = {};
    st.st_ino = entry->id != 0 ? entry->id : kUnknownInode;
    st.st_mode = entry->type;
    const std::size_t needed =
        fuse_add_direntry(request, buffer.data() + used, size - used, entry->name.c_str(), &st,
                          static_cast<off_t>(entry->cookie));
    if (needed > size - used) break;
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void ReplyTotals(fuse_req* request, const FileSystem::Totals& totals) {
  struct statvfs st = {};
  st.f_bsize = kBlockSize;
  st.f_frsize = kBlockSize;
  // Monitors alert on a file system that is full, and one that nobody can write to always is. So
  // the rest is said to be free, and what is used is at most a tenth.
  const fsblkcnt_t used = (totals.content_bytes + kBlockSize - 1) / kBlockSize;
  st.f_bfree = st.f_bavail = std::max<fsblkcnt_t>(kFreeBlocks, 9 * used);
  st.f_blocks = used + st.f_bfree;
  st.f_ffree = st.f_favail = std::max<fsfilcnt_t>(kFreeFiles, 9 * totals.files);
  st.f_files = totals.files + st.f_ffree;
  st.f_namemax = 255;
  fuse_reply_statfs(request, &st);
}

void ReplyXattr(fuse_req* request, std::string_view value, std::size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, value.size());
  } else if (size < value.size()) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, value.data(), value.size());
  }
}

}  // namespace downwardfs
