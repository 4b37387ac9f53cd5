// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/tree_call.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/owned_fd.h"

namespace downwardfs {
namespace {

struct Numbers {
  std::uint32_t kind;
  std::uint32_t mode;
  std::uint64_t node;
  std::uint32_t path_size;
  std::uint32_t other_size;
};

using CallKind = TreeCall::Kind;

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

// The daemon decides what the volume's names lead to, and it is not trusted: symlinks are not
// followed, or it could lead us anywhere (openat2(2)).
OwnedFd OpenInside(int root, const std::string& path, std::uint64_t flags = O_PATH) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return OwnedFd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// The directory that has the last element of a path, and that element.
class Place {
 public:
  Place(int root, const std::string& path) : directory_(root) {
    const auto slash = path.rfind('/');
    name_ = path.substr(slash == std::string::npos ? 0 : slash + 1);
    if (slash == std::string::npos) return;
    opened_ = OpenInside(root, path.substr(0, slash));
    directory_ = opened_.get();  // -1: EBADF below
    error_ = opened_ ? 0 : errno;
  }
  int directory() const { return directory_; }
  const char* name() const { return name_.c_str(); }
  int error() const { return error_; }

 private:
  OwnedFd opened_;
  int directory_;
  int error_ = 0;
  std::string name_;
};

int ChangeMode(int root, const std::string& path, mode_t mode, int descriptors) {
  const OwnedFd file = OpenInside(root, path);
  if (!file) return -1;
  const std::string number = std::to_string(file.get());
  const std::string name = descriptors < 0 ? "/proc/self/fd/" + number : number;
  return fchmodat(descriptors, name.c_str(), mode, 0);
}

// As a program that writes the file in place: IN_OPEN, IN_MODIFY, IN_CLOSE_WRITE. The answer to the
// truncation has the size and the times of the new content, whatever was asked for.
int Touch(int root, const std::string& path, const Place& at) {
  if (const OwnedFd file = OpenInside(root, path, O_WRONLY | O_NONBLOCK)) {
    return ftruncate(file.get(), 0);
  }
  // Somebody else's, or without the right to write for its owner: IN_MODIFY alone. With the time of
  // access among them it would be IN_ATTRIB.
  const timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  return utimensat(at.directory(), at.name(), times, AT_SYMLINK_NOFOLLOW);
}

int Look(const Place& at) {
  struct stat st = {};
  return fstatat(at.directory(), at.name(), &st, AT_SYMLINK_NOFOLLOW);
}

// -1 and errno, as the system calls.
int MakeCall(const TreeCall& call, int root, int descriptors) {
  const Place at(root, call.path);
  if (at.error() != 0) {
    errno = at.error();
    return -1;
  }
  switch (call.kind) {
    case CallKind::kMakeDirectory:
      return mkdirat(at.directory(), at.name(), 0755);
    case CallKind::kMakeFile:
      return mknodat(at.directory(), at.name(), S_IFREG | 0644, 0);
    case CallKind::kMakeLink:
      return symlinkat(call.other.c_str(), at.directory(), at.name());
    case CallKind::kRename: {
      const Place to(root, call.other);
      return renameat(at.directory(), at.name(), to.directory(), to.name());
    }
    case CallKind::kUnlink:
      return unlinkat(at.directory(), at.name(), 0);
    case CallKind::kRemoveDirectory:
      return unlinkat(at.directory(), at.name(), AT_REMOVEDIR);
    case CallKind::kChangeMode:
      return ChangeMode(root, call.path, call.mode, descriptors);
    case CallKind::kTouch:
      return Touch(root, call.path, at);
    case CallKind::kLook:
      return Look(at);
    default:
      errno = EINVAL;
      return -1;
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
  if (numbers.kind < static_cast<std::uint32_t>(CallKind::kMakeDirectory) ||
      numbers.kind > static_cast<std::uint32_t>(CallKind::kInvalidateNode)) {
    return std::nullopt;
  }
  TreeCall call;
  call.kind = static_cast<CallKind>(numbers.kind);
  call.mode = numbers.mode & 07777;
  call.node = numbers.node;
  call.path = bytes.substr(0, numbers.path_size);
  call.other = bytes.substr(numbers.path_size);
  // A call has the texts that it needs and no others.
  const bool about_node = call.kind == CallKind::kInvalidateNode;
  if (about_node ? !call.path.empty() : !StaysInside(call.path)) return std::nullopt;
  const bool renames = call.kind == CallKind::kRename;
  if (renames && !StaysInside(call.other)) return std::nullopt;
  if (!renames && call.kind != CallKind::kMakeLink && !call.other.empty()) return std::nullopt;
  return call;
}

int PerformTreeCall(const TreeCall& call, int root, int device, int descriptors) {
  if (call.kind == CallKind::kInvalidateName) {
    fuse_notify_inval_entry_out out = {};
    out.parent = call.node;
    out.namelen = static_cast<std::uint32_t>(call.path.size());
    return Notify(device, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof out, call.path);
  }
  if (call.kind == CallKind::kInvalidateNode) {
    fuse_notify_inval_inode_out out = {};
    out.ino = call.node;
    return Notify(device, FUSE_NOTIFY_INVAL_INODE, &out, sizeof out, "");
  }
  return MakeCall(call, root, descriptors) != 0 ? errno : 0;
}

}  // namespace downwardfs
