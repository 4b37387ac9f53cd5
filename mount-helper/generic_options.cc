// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/generic_options.h"

#include <algorithm>

namespace downwardfs {
namespace {

using Meaning = GenericOption::Meaning;

// Options of one meaning.
struct Group {
  Meaning meaning;
  std::string_view text;
  std::string_view names;  // a space between two
};

constexpr Group kGroups[] = {
    // mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS", fstab(5)
    {Meaning::kNothing, "",
     "async atime noatime auto noauto seclabel defaults nodev diratime nodiratime dirsync "
     "noexec group nogroup iversion noiversion mand nomand _netdev _rnetdev nofail relatime "
     "norelatime strictatime nostrictatime lazytime nolazytime nosuid silent loud owner "
     "noowner ro rw sync user nouser users nousers symfollow comment helper uhelper"},
    // mount.fuse3(8), fuse(4)
    {Meaning::kNothing, "",
     "default_permissions nonempty auto_unmount drop_privileges kernel_cache auto_cache "
     "noauto_cache ac_attr_timeout attr_timeout entry_timeout negative_timeout remember "
     "noforget use_ino readdir_ino hard_remove intr nointr intr_signal nullpath_ok large_read "
     "big_writes async_read sync_read async_dio atomic_o_trunc no_remote_lock no_remote_flock "
     "no_remote_posix_lock splice_read splice_write splice_move no_splice_read no_splice_write "
     "no_splice_move clone_fd max_read max_write max_readahead max_background "
     "congestion_threshold max_threads max_idle_threads blksize"},
    {Meaning::kRefused, "selinux-context=LABEL is the one SELinux option of downwardfs",
     "fscontext defcontext rootcontext"},
    {Meaning::kRefused, "a downwardfs mount is always nosuid, nodev and noexec", "dev exec suid"},
    {Meaning::kRefused, "a downwardfs mount cannot be changed; unmount it and mount it again",
     "remount"},
    {Meaning::kRefused, "the kubelet's layout is made of symbolic links, which nobody could follow",
     "nosymfollow"},
    {Meaning::kRefused, "mount(8) does this itself, without -t downwardfs",
     "bind rbind move shared rshared slave rslave private rprivate unbindable runbindable"},
    {Meaning::kRefused, "there is no device or image behind a downwardfs mount",
     "loop offset sizelimit encryption blkdev"},
    {Meaning::kRefused,
     "owners and modes are those of the volume's items; fs-group=GID gives a group",
     "uid gid mode umask fmask dmask"},
    {Meaning::kRefused, "a downwardfs mount has no size of its own", "size"},
    {Meaning::kFlag, "--allow-other", "allow_other"},
    {Meaning::kRefused, "either everybody may read (allow_other) or nobody else (no-allow-other)",
     "allow_root"},
    {Meaning::kValue, "--source-name", "fsname"},
    {Meaning::kRefused, "the type of the mount is always fuse.downwardfs", "subtype"},
    {Meaning::kRefused, "run-as=UID:GID makes the daemon another user", "setuid"},
    {Meaning::kRefused, "log-level=debug, with log-file=FILE, is downwardfs's", "debug"},
    {Meaning::kRefused, "contents never change behind an inode, so they are cached", "direct_io"},
    {Meaning::kRefused, "downwardfs gives this to the kernel itself",
     "fd rootmode user_id group_id"},
    {Meaning::kRefused, "downwardfs has no stacked modules of libfuse",
     "modules subdir rellinks norellinks from_code to_code"},
};

bool HasWord(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::string_view first = words.substr(0, words.find(' '));
    if (first == word) return true;
    words.remove_prefix(std::min(first.size() + 1, words.size()));
  }
  return false;
}

}  // namespace

bool IsSelinuxLabel(std::string_view value) {
  for (const std::string_view ending : {"_u", "_r", "_t"}) {
    const auto colon = value.find(':');
    const std::string_view part = value.substr(0, colon);
    if (part.size() <= ending.size() || part.substr(part.size() - ending.size()) != ending) {
      return false;
    }
    value.remove_prefix(colon == std::string_view::npos ? value.size() : colon + 1);
  }
  return true;
}

std::optional<GenericOption> FindGenericOption(std::string_view name) {
  // For mount(8), systemd and other tools (mount(8), "X-*, x-*").
  if (name.rfind("x-", 0) == 0 || name.rfind("X-", 0) == 0) return GenericOption{name};
  for (const Group& group : kGroups) {
    if (HasWord(group.names, name)) return GenericOption{name, group.meaning, group.text};
  }
  return std::nullopt;
}

}  // namespace downwardfs
