// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/fuse_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "mount-helper/mount_identity.h"

namespace downwardfs {
namespace {

constexpr unsigned kPublicFlags =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// The kernel's words about a failed fsconfig(2): lines such as "e fuse: Unknown parameter".
std::string KernelWords(int context) {
  std::array<char, 512> line{};
  std::string words;
  for (ssize_t n = 0; (n = read(context, line.data(), line.size())) > 0;) {
    std::string text(line.data(), static_cast<std::size_t>(n));
    if (text.size() > 2 && text[1] == ' ') text.erase(0, 2);
    if (!text.empty() && text.back() == '\n') text.pop_back();
    words += "; " + OneLine(text);
  }
  return words;
}

tl::unexpected<Error> Failed(const FuseMountOptions& options, const std::string& step,
                             int context = -1) {
  Error error = ErrnoError(errno, options.mount_point + ": cannot mount: " + step);
  if (context >= 0) error.message += KernelWords(context);
  return Fail(std::move(error));
}

// FSCONFIG_SET_STRING for those with a value, FSCONFIG_SET_FLAG for the others.
struct Parameter {
  std::string key;
  std::string value;
};

// fsconfig(2) takes no longer text, and a pod's name and namespace together may be one. Nobody
// needs the whole of it: it is for people who read the mount table.
std::string ShortSource(std::string source) {
  constexpr std::size_t kLongest = 255;
  if (source.size() <= kLongest) return source;
  std::size_t end = kLongest;
  // No code point is cut in two.
  while (end > 0 && (static_cast<unsigned char>(source[end]) & 0xc0U) == 0x80) --end;
  source.resize(end);
  return source;
}

std::vector<Parameter> Parameters(const FuseMountOptions& options, int device) {
  std::vector<Parameter> out = {
      {"source", ShortSource(options.source)},
      {"subtype", "downwardfs"},
      {"fd", std::to_string(device)},
      {"rootmode", "40000"},
      {"user_id", "0"},
      {"group_id", "0"},
      {"default_permissions", ""},
  };
  if (options.allow_other) out.push_back({"allow_other", ""});
  if (!options.selinux_context.empty()) out.push_back({"context", options.selinux_context});
  return out;
}

// A call that changes nothing: whether the kernel has mount_setattr(2), and no filter refuses it.
bool CanSetAttributes(int mount) {
  mount_attr nothing = {};
  return mount_setattr(mount, "", AT_EMPTY_PATH, &nothing, sizeof nothing) == 0;
}

OwnedFd CloneOf(int mount) {
  return OwnedFd(open_tree(mount, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

// Null if the kernel is too old, or this process may not.
OwnedFd OpenView(int mount) {
  OwnedFd view = CloneOf(mount);
  mount_attr writable = {};
  writable.attr_clr = MOUNT_ATTR_RDONLY;
  if (view && mount_setattr(view.get(), "", AT_EMPTY_PATH, &writable, sizeof writable) != 0) {
    view.Reset();
  }
  return view;
}

// The view of a mount that was attached writable, which becomes read-only then (Linux 5.2 to 5.11,
// or if mount_setattr(2) is refused). mount(2) takes the mount by its descriptor's name, so that
// nobody can put another one in its place. Null if one of the steps is refused; then the mount may
// be writable still. Nobody serves it yet, and a server refuses every change but its publisher's.
OwnedFd OpenViewThenProtect(int mount) {
  OwnedFd view = CloneOf(mount);
  const std::string path = "/proc/self/fd/" + std::to_string(mount);
  if (view &&
      ::mount(nullptr, path.c_str(), nullptr,
              MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    view.Reset();
  }
  return view;
}

// Whether the mount lies on this very directory: the kernel puts it on top of one that somebody has
// made there since the directory was opened. True if the table cannot be read.
bool LiesOn(int directory, int mount_id) {
  const auto parent = ParentOf(mount_id);
  return !parent || *parent == MountIdOf(directory);
}

// When the mount is made read-only for others, seen from when its view is made.
enum class Protect { kFirst, kLate, kFirstWithoutView };

Result<FuseMount> TryMount(const FuseMountOptions& options, Protect how) {
  FuseMount mount;
  mount.path = options.mount_point;
  mount.device.Reset(open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!mount.device) return Failed(options, "open /dev/fuse");
  const OwnedFd context(fsopen("fuse", FSOPEN_CLOEXEC));
  if (!context) return Failed(options, "fsopen");
  for (const Parameter& parameter : Parameters(options, mount.device.get())) {
    const bool flag = parameter.value.empty();
    if (fsconfig(context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
                 parameter.key.c_str(), flag ? nullptr : parameter.value.c_str(), 0) != 0) {
      return Failed(options, "option " + parameter.key, context.get());
    }
  }
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return Failed(options, "fsconfig", context.get());
  }
  const unsigned flags = how == Protect::kLate ? kPublicFlags & ~MOUNT_ATTR_RDONLY : kPublicFlags;
  const OwnedFd tree(fsmount(context.get(), FSMOUNT_CLOEXEC, flags));
  if (!tree) return Failed(options, "fsmount", context.get());
  if (how == Protect::kFirst && !CanSetAttributes(tree.get())) {
    // fsmount(2) makes one mount of a context only, so all begins again.
    return TryMount(options, Protect::kLate);
  }
  // Without a directory that is held, the path is walked as it was when it was checked: it had no
  // symlink then. O_DIRECTORY would set off a trigger of autofs.
  const OwnedFd opened =
      options.directory < 0 ? OpenWithoutLinks(options.mount_point, O_PATH) : OwnedFd();
  if (options.directory < 0 && !opened) return Failed(options, "the mount point");
  if (move_mount(tree.get(), "", opened ? opened.get() : options.directory, "",
                 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return Failed(options, "move_mount");
  }
  mount.mount_id = MountIdOf(tree.get());
  if (options.uncovered && !LiesOn(opened ? opened.get() : options.directory, mount.mount_id)) {
    umount2(("/proc/self/fd/" + std::to_string(tree.get())).c_str(), MNT_DETACH);
    return Fail(ErrorCode::kAlreadyExists,
                options.mount_point + ": busy: something else was mounted there meanwhile");
  }
  mount.mounted = true;
  mount.file_system = FileSystemOf(tree.get());
  // A clone can be made of a mount that is attached only.
  if (how == Protect::kFirst) mount.view = OpenView(tree.get());
  if (how != Protect::kLate) return mount;
  mount.view = OpenViewThenProtect(tree.get());
  if (mount.view) return mount;
  // Better without events than writable for everybody.
  const std::string path = "/proc/self/fd/" + std::to_string(tree.get());
  if (umount2(path.c_str(), MNT_DETACH) != 0) return Failed(options, "make it read-only");
  return TryMount(options, Protect::kFirstWithoutView);
}

}  // namespace

OwnedFd Duplicate(const OwnedFd& fd) {
  return fd ? OwnedFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)) : OwnedFd();
}

Result<FuseMount> CopyOf(const FuseMount& mount) {
  FuseMount copy;
  copy.id = mount.id;
  copy.path = mount.path;
  copy.file_system = mount.file_system;
  copy.mount_id = mount.mount_id;
  copy.mounted = mount.mounted;
  copy.poison = mount.poison;
  for (OwnedFd FuseMount::*const part :
       {&FuseMount::device, &FuseMount::view, &FuseMount::memory, &FuseMount::publisher}) {
    copy.*part = Duplicate(mount.*part);
    if (mount.*part && !(copy.*part)) return Fail(ErrnoError(errno, "mount " + mount.path));
  }
  return copy;
}

Result<FuseMount> MountFuse(const FuseMountOptions& options) {
  return TryMount(options, Protect::kFirst);
}

}  // namespace downwardfs
