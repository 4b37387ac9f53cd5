// SPDX-License-Identifier: Apache-2.0
// A change of a mounted volume's tree, or a word to the kernel about it, as one message: what the
// daemon decides and the publisher's process does. Plain data and pure functions but for
// PerformTreeCall(); any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace downwardfs {

struct TreeCall {
  enum class Kind : std::uint32_t {
    kMakeDirectory = 1,
    kMakeFile,
    kMakeLink,  ///< `path` -> `other`
    kRename,    ///< `path` to `other`
    kUnlink,
    kRemoveDirectory,
    kChangeMode,      ///< to `mode`: IN_ATTRIB
    kTouch,           ///< written in place, as it seems: IN_MODIFY and IN_CLOSE_WRITE
    kLook,            ///< stat(2): the kernel asks for what it was told is stale
    kInvalidateName,  ///< FUSE_NOTIFY_INVAL_ENTRY of `path` in the directory `node`
    kInvalidateNode,  ///< FUSE_NOTIFY_INVAL_INODE of `node`
  };
  Kind kind = Kind::kLook;
  std::uint32_t mode = 0;
  std::uint64_t node = 0;
  std::string path;  ///< from the volume's root
  std::string other;
};

/// Longer than any path in a volume (NAME_MAX elements, a few deep), twice, and the numbers.
inline constexpr std::size_t kMaxTreeCall = 16384;

std::string EncodeTreeCall(const TreeCall& call);
/// Nothing where the bytes are no call.
std::optional<TreeCall> DecodeTreeCall(std::string_view bytes);

/// Makes the call, relative to the directory fd `root`; notifications are written to `device`.
/// Returns 0 or the errno. It waits for whoever holds the directory: never on a thread that serves.
/// `descriptors`: a directory fd of /proc/self/fd, for a process that no path leads there; -1: the
/// path does.
int PerformTreeCall(const TreeCall& call, int root, int device, int descriptors = -1);

}  // namespace downwardfs
