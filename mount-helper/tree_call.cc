// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/tree_call.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace downwardfs {
namespace {

struct Numbers {
  std::uint32_t kind;
  std::uint32_t mode;
  std::uint64_t node;
  std::uint32_t path_size;
  std::uint32_t other_size;
};

using Kind = TreeCall::Kind;

int Notify(int device, int code, const void* body, std::size_t size, const std::string& name) {
  fuse_out_header header = {};
  header.error = code;
  iovec parts[3] = {{&header, sizeof header},
                    {const_cast<void*>(body), size},
                    {const_cast<char*>(name.c_str()), name.size() + 1}};
  const int count = name.empty() ? 2 : 3;
  for (int i = 0; i < count; ++i) header.len += static_cast<std::uint32_t>(parts[i].iov_len);
  return writev(device, parts, count) < 0 ? errno : 0;
}

int Touch(int root, const char* path) {
  // With the time of access among them it would be IN_ATTRIB.
  const timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  return utimensat(root, path, times, AT_SYMLINK_NOFOLLOW);
}

int Look(int root, const char* path) {
  struct stat st = {};
  return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW);
}

int MakeCall(const TreeCall& call, int root) {
  const char* const path = call.path.c_str();
  switch (call.kind) {
    case Kind::kMakeDirectory:
      return mkdirat(root, path, 0755);
    case Kind::kMakeFile:
      return mknodat(root, path, S_IFREG | 0644, 0);
    case Kind::kMakeLink:
      return symlinkat(call.other.c_str(), root, path);
    case Kind::kRename:
      return renameat(root, path, root, call.other.c_str());
    case Kind::kUnlink:
      return unlinkat(root, path, 0);
    case Kind::kRemoveDirectory:
      return unlinkat(root, path, AT_REMOVEDIR);
    case Kind::kChangeMode:
      return fchmodat(root, path, call.mode, 0);
    case Kind::kTouch:
      return Touch(root, path);
    default:
      return Look(root, path);
  }
}

// A path that leads out of the volume is nobody's business here.
bool StaysInside(const std::string& path) {
  if (path.empty() || path[0] == '/' || path.find('\0') != std::string::npos) return false;
  const std::string framed = "/" + path + "/";
  return framed.find("/../") == std::string::npos;
}

}  // namespace

std::string EncodeTreeCall(const TreeCall& call) {
  const Numbers numbers = {static_cast<std::uint32_t>(call.kind), call.mode, call.node,
                           static_cast<std::uint32_t>(call.path.size()),
                           static_cast<std::uint32_t>(call.other.size())};
  std::string bytes(reinterpret_cast<const char*>(&numbers), sizeof numbers);
  return bytes + call.path + call.other;
}

std::optional<TreeCall> DecodeTreeCall(std::string_view bytes) {
  Numbers numbers = {};
  if (bytes.size() < sizeof numbers || bytes.size() > kMaxTreeCall) return std::nullopt;
  std::memcpy(&numbers, bytes.data(), sizeof numbers);
  bytes.remove_prefix(sizeof numbers);
  if (std::uint64_t{numbers.path_size} + numbers.other_size != bytes.size()) return std::nullopt;
  if (numbers.kind < static_cast<std::uint32_t>(Kind::kMakeDirectory) ||
      numbers.kind > static_cast<std::uint32_t>(Kind::kInvalidateNode)) {
    return std::nullopt;
  }
  TreeCall call;
  call.kind = static_cast<Kind>(numbers.kind);
  call.mode = numbers.mode & 07777;
  call.node = numbers.node;
  call.path = bytes.substr(0, numbers.path_size);
  call.other = bytes.substr(numbers.path_size);
  // A call has the texts that it needs and no others.
  const bool about_node = call.kind == Kind::kInvalidateNode;
  if (about_node ? !call.path.empty() : !StaysInside(call.path)) return std::nullopt;
  const bool renames = call.kind == Kind::kRename;
  if (renames && !StaysInside(call.other)) return std::nullopt;
  if (!renames && call.kind != Kind::kMakeLink && !call.other.empty()) return std::nullopt;
  return call;
}

int PerformTreeCall(const TreeCall& call, int root, int device) {
  if (call.kind == Kind::kInvalidateName) {
    fuse_notify_inval_entry_out out = {};
    out.parent = call.node;
    out.namelen = static_cast<std::uint32_t>(call.path.size());
    return Notify(device, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof out, call.path);
  }
  if (call.kind == Kind::kInvalidateNode) {
    fuse_notify_inval_inode_out out = {};
    out.ino = call.node;
    return Notify(device, FUSE_NOTIFY_INVAL_INODE, &out, sizeof out, "");
  }
  return MakeCall(call, root) != 0 ? errno : 0;
}

}  // namespace downwardfs
