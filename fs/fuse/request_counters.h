// SPDX-License-Identifier: Apache-2.0
//
// How many requests of each kind the kernel has sent since the mount. `status` prints them, so that
// anybody can check that warm reads cost none. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace downwardfs {

class RequestCounters {
 public:
  /// By their names in linux/fuse.h without FUSE_.
  enum Kind : std::size_t {
    kInit,
    kLookup,
    kForget,
    kGetattr,
    kReadlink,
    kOpen,
    kRead,
    kStatfs,
    kGetxattr,
    kListxattr,
    kOpendir,
    kReaddir,
    kDestroy,
    kRelease,
    kMkdir,
    kMknod,
    kSymlink,
    kUnlink,
    kRmdir,
    kRename,
    kSetattr,
    kRefused,  ///< answered EROFS without a look: WRITE, CREATE, LINK, ...
    kKinds,
  };

  RequestCounters() = default;
  /// `all` counts them too; it outlives these. May be null.
  explicit RequestCounters(RequestCounters* all) : all_(all) {}

  void Count(Kind kind) {
    counts_[kind].fetch_add(1, std::memory_order_relaxed);
    if (all_ != nullptr) all_->Count(kind);
  }

  std::map<std::string, std::uint64_t> Snapshot() const {
    static constexpr const char* kNames[kKinds] = {
        "INIT",     "LOOKUP",    "FORGET",  "GETATTR", "READLINK", "OPEN",    "READ",  "STATFS",
        "GETXATTR", "LISTXATTR", "OPENDIR", "READDIR", "DESTROY",  "RELEASE", "MKDIR", "MKNOD",
        "SYMLINK",  "UNLINK",    "RMDIR",   "RENAME",  "SETATTR",  "REFUSED"};
    std::map<std::string, std::uint64_t> out;
    for (std::size_t i = 0; i < kKinds; ++i) {
      out[kNames[i]] = counts_[i].load(std::memory_order_relaxed);
    }
    return out;
  }

 private:
  RequestCounters* const all_ = nullptr;
  std::array<std::atomic<std::uint64_t>, kKinds> counts_{};
};

}  // namespace downwardfs
