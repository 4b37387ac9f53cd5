// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/raw_request.h"

#include <linux/fuse.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace downwardfs {
namespace {

// The protocol of Linux 4.20: every kernel that this program runs on speaks that at least.
constexpr std::uint32_t kOldestMinor = 28;

// The parts of a request after its header.
struct Shape {
  std::uint32_t opcode;
  std::size_t fixed;  // bytes
  int names;          // that end in a zero byte
};

constexpr std::array kShapes = {
    Shape{FUSE_LOOKUP, 0, 1},
    Shape{FUSE_FORGET, sizeof(fuse_forget_in), 0},
    Shape{FUSE_GETATTR, sizeof(fuse_getattr_in), 0},
    Shape{FUSE_SETATTR, sizeof(fuse_setattr_in), 0},
    Shape{FUSE_READLINK, 0, 0},
    Shape{FUSE_SYMLINK, 0, 2},
    Shape{FUSE_MKNOD, sizeof(fuse_mknod_in), 1},
    Shape{FUSE_MKDIR, sizeof(fuse_mkdir_in), 1},
    Shape{FUSE_UNLINK, 0, 1},
    Shape{FUSE_RMDIR, 0, 1},
    Shape{FUSE_RENAME, sizeof(fuse_rename_in), 2},
    Shape{FUSE_LINK, sizeof(fuse_link_in), 1},
    Shape{FUSE_OPEN, sizeof(fuse_open_in), 0},
    Shape{FUSE_READ, sizeof(fuse_read_in), 0},
    Shape{FUSE_WRITE, sizeof(fuse_write_in), 0},
    Shape{FUSE_STATFS, 0, 0},
    Shape{FUSE_RELEASE, sizeof(fuse_release_in), 0},
    Shape{FUSE_FSYNC, sizeof(fuse_fsync_in), 0},
    Shape{FUSE_SETXATTR, FUSE_COMPAT_SETXATTR_IN_SIZE, 1},
    Shape{FUSE_GETXATTR, sizeof(fuse_getxattr_in), 1},
    Shape{FUSE_LISTXATTR, sizeof(fuse_getxattr_in), 0},
    Shape{FUSE_REMOVEXATTR, 0, 1},
    Shape{FUSE_FLUSH, sizeof(fuse_flush_in), 0},
    Shape{FUSE_OPENDIR, sizeof(fuse_open_in), 0},
    Shape{FUSE_READDIR, sizeof(fuse_read_in), 0},
    Shape{FUSE_RELEASEDIR, sizeof(fuse_release_in), 0},
    Shape{FUSE_FSYNCDIR, sizeof(fuse_fsync_in), 0},
    Shape{FUSE_GETLK, sizeof(fuse_lk_in), 0},
    Shape{FUSE_SETLK, sizeof(fuse_lk_in), 0},
    Shape{FUSE_SETLKW, sizeof(fuse_lk_in), 0},
    Shape{FUSE_ACCESS, sizeof(fuse_access_in), 0},
    Shape{FUSE_CREATE, sizeof(fuse_create_in), 1},
    Shape{FUSE_BMAP, sizeof(fuse_bmap_in), 0},
    Shape{FUSE_DESTROY, 0, 0},
    Shape{FUSE_IOCTL, sizeof(fuse_ioctl_in), 0},
    Shape{FUSE_POLL, sizeof(fuse_poll_in), 0},
    Shape{FUSE_NOTIFY_REPLY, sizeof(fuse_notify_retrieve_in), 0},
    Shape{FUSE_BATCH_FORGET, sizeof(fuse_batch_forget_in), 0},
    Shape{FUSE_FALLOCATE, sizeof(fuse_fallocate_in), 0},
    Shape{FUSE_READDIRPLUS, sizeof(fuse_read_in), 0},
    Shape{FUSE_RENAME2, sizeof(fuse_rename2_in), 2},
    Shape{FUSE_LSEEK, sizeof(fuse_lseek_in), 0},
    Shape{FUSE_COPY_FILE_RANGE, sizeof(fuse_copy_file_range_in), 0},
};

template <class Struct>
Struct Take(std::string_view bytes) {
  Struct out = {};
  std::memcpy(&out, bytes.data(), std::min(bytes.size(), sizeof out));
  return out;
}

// The bytes or items that follow by count.
bool HasWhatItCounts(std::uint32_t opcode, std::string_view body) {
  switch (opcode) {
    case FUSE_WRITE:
      return Take<fuse_write_in>(body).size <= body.size() - sizeof(fuse_write_in);
    case FUSE_IOCTL:
      return Take<fuse_ioctl_in>(body).in_size <= body.size() - sizeof(fuse_ioctl_in);
    case FUSE_BATCH_FORGET:
      return Take<fuse_batch_forget_in>(body).count <=
             (body.size() - sizeof(fuse_batch_forget_in)) / sizeof(fuse_forget_one);
    case FUSE_SETXATTR: {
      const std::size_t name = body.find('\0', FUSE_COMPAT_SETXATTR_IN_SIZE);
      return Take<fuse_setxattr_in>(body).size <= body.size() - name - 1;
    }
    default:
      return true;
  }
}

tl::unexpected<Error> NoInit(const std::string& why) {
  return Fail(ErrorCode::kFailedPrecondition,
              "the handover memory is damaged: the saved FUSE_INIT " + why);
}

}  // namespace

bool IsWholeRequest(std::string_view request) {
  if (request.size() < sizeof(fuse_in_header)) return false;
  const auto header = Take<fuse_in_header>(request);
  if (header.len != request.size()) return false;
  const auto* const shape = std::find_if(kShapes.begin(), kShapes.end(), [&](const Shape& each) {
    return each.opcode == header.opcode;
  });
  if (shape == kShapes.end()) return true;  // libfuse answers ENOSYS without looking further
  const std::string_view body = request.substr(sizeof header);
  if (body.size() < shape->fixed) return false;
  if (std::count(body.begin() + static_cast<std::ptrdiff_t>(shape->fixed), body.end(), '\0') <
      shape->names) {
    return false;
  }
  return HasWhatItCounts(header.opcode, body);
}

Status CheckInit(std::string_view request) {
  const auto header = Take<fuse_in_header>(request);
  // major, minor, max_readahead, flags
  if (request.size() < sizeof header + 4 * sizeof(std::uint32_t) || header.len != request.size()) {
    return NoInit("has another length");
  }
  if (header.opcode != FUSE_INIT || header.unique == 0) return NoInit("is another request");
  const auto init = Take<fuse_init_in>(request.substr(sizeof header));
  if (init.major != FUSE_KERNEL_VERSION || init.minor < kOldestMinor) {
    return NoInit("speaks protocol " + std::to_string(init.major) + "." +
                  std::to_string(init.minor));
  }
  // The flags' second half lies behind the first form of the request (Linux 5.17).
  if ((init.flags & FUSE_INIT_EXT) != 0 && request.size() < sizeof header + sizeof init) {
    return NoInit("lacks its second half");
  }
  return {};
}

}  // namespace downwardfs
