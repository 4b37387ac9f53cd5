// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/fuse_replies.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <cerrno>

namespace downwardfs {

struct stat ToStat(const NodeAttr& attr) {
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
