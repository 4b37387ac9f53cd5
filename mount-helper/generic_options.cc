// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/generic_options.h"

#include <algorithm>
#include <iterator>

namespace downwardfs {
namespace {

using Meaning = GenericOption::Meaning;

constexpr std::string_view kSafe = "a downwardfs mount is always nosuid, nodev and noexec";
constexpr std::string_view kOwners =
    "owners and modes are those of the volume's items; fs-group=GID gives a group";
constexpr std::string_view kNoRemount =
    "a downwardfs mount cannot be changed; unmount it and mount it again";
constexpr std::string_view kByMount = "mount(8) does this itself, without -t downwardfs";
constexpr std::string_view kNoImage = "there is no device or image behind a downwardfs mount";
constexpr std::string_view kOurs = "downwardfs gives this to the kernel itself";
constexpr std::string_view kLabel = "selinux-context=LABEL is the one SELinux option of downwardfs";
constexpr std::string_view kNoModules = "downwardfs has no stacked modules of libfuse";

constexpr GenericOption kOptions[] = {
    // mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS", fstab(5)
    {"async"},
    {"atime"},
    {"noatime"},
    {"auto"},
    {"noauto"},
    {"fscontext", Meaning::kRefused, kLabel},
    {"defcontext", Meaning::kRefused, kLabel},
    {"rootcontext", Meaning::kRefused, kLabel},
    {"seclabel"},
    {"defaults"},
    {"dev", Meaning::kRefused, kSafe},
    {"nodev"},
    {"diratime"},
    {"nodiratime"},
    {"dirsync"},
    {"exec", Meaning::kRefused, kSafe},
    {"noexec"},
    {"group"},
    {"nogroup"},
    {"iversion"},
    {"noiversion"},
    {"mand"},
    {"nomand"},
    {"_netdev"},
    {"_rnetdev"},
    {"nofail"},
    {"relatime"},
    {"norelatime"},
    {"strictatime"},
    {"nostrictatime"},
    {"lazytime"},
    {"nolazytime"},
    {"suid", Meaning::kRefused, kSafe},
    {"nosuid"},
    {"silent"},
    {"loud"},
    {"owner"},
    {"noowner"},
    {"remount", Meaning::kRefused, kNoRemount},
    {"ro"},
    {"rw"},
    {"sync"},
    {"user"},
    {"nouser"},
    {"users"},
    {"nousers"},
    {"symfollow"},
    {"nosymfollow", Meaning::kRefused,
     "the kubelet's layout is made of symbolic links, which nobody could follow"},
    {"comment"},
    {"helper"},
    {"uhelper"},
    {"bind", Meaning::kRefused, kByMount},
    {"rbind", Meaning::kRefused, kByMount},
    {"move", Meaning::kRefused, kByMount},
    {"shared", Meaning::kRefused, kByMount},
    {"rshared", Meaning::kRefused, kByMount},
    {"slave", Meaning::kRefused, kByMount},
    {"rslave", Meaning::kRefused, kByMount},
    {"private", Meaning::kRefused, kByMount},
    {"rprivate", Meaning::kRefused, kByMount},
    {"unbindable", Meaning::kRefused, kByMount},
    {"runbindable", Meaning::kRefused, kByMount},
    {"loop", Meaning::kRefused, kNoImage},
    {"offset", Meaning::kRefused, kNoImage},
    {"sizelimit", Meaning::kRefused, kNoImage},
    {"encryption", Meaning::kRefused, kNoImage},
    // usual ones of other file systems
    {"uid", Meaning::kRefused, kOwners},
    {"gid", Meaning::kRefused, kOwners},
    {"mode", Meaning::kRefused, kOwners},
    {"umask", Meaning::kRefused, kOwners},
    {"fmask", Meaning::kRefused, kOwners},
    {"dmask", Meaning::kRefused, kOwners},
    {"size", Meaning::kRefused, "a downwardfs mount has no size of its own"},
    // mount.fuse3(8), fuse(4)
    {"allow_other", Meaning::kFlag, "--allow-other"},
    {"allow_root", Meaning::kRefused,
     "either everybody may read (allow_other) or nobody else (no-allow-other)"},
    {"default_permissions"},
    {"fsname", Meaning::kValue, "--source-name"},
    {"subtype", Meaning::kRefused, "the type of the mount is always fuse.downwardfs"},
    {"nonempty"},
    {"auto_unmount"},
    {"drop_privileges"},
    {"setuid", Meaning::kRefused, "run-as=UID:GID makes the daemon another user"},
    {"debug", Meaning::kRefused, "log-level=debug, with log-file=FILE, is downwardfs's"},
    {"direct_io", Meaning::kRefused, "contents never change behind an inode, so they are cached"},
    {"kernel_cache"},
    {"auto_cache"},
    {"noauto_cache"},
    {"ac_attr_timeout"},
    {"attr_timeout"},
    {"entry_timeout"},
    {"negative_timeout"},
    {"remember"},
    {"noforget"},
    {"use_ino"},
    {"readdir_ino"},
    {"hard_remove"},
    {"intr"},
    {"nointr"},
    {"intr_signal"},
    {"nullpath_ok"},
    {"large_read"},
    {"big_writes"},
    {"async_read"},
    {"sync_read"},
    {"async_dio"},
    {"atomic_o_trunc"},
    {"no_remote_lock"},
    {"no_remote_flock"},
    {"no_remote_posix_lock"},
    {"splice_read"},
    {"splice_write"},
    {"splice_move"},
    {"no_splice_read"},
    {"no_splice_write"},
    {"no_splice_move"},
    {"clone_fd"},
    {"max_read"},
    {"max_write"},
    {"max_readahead"},
    {"max_background"},
    {"congestion_threshold"},
    {"max_threads"},
    {"max_idle_threads"},
    {"blksize"},
    {"blkdev", Meaning::kRefused, kNoImage},
    {"fd", Meaning::kRefused, kOurs},
    {"rootmode", Meaning::kRefused, kOurs},
    {"user_id", Meaning::kRefused, kOurs},
    {"group_id", Meaning::kRefused, kOurs},
    {"modules", Meaning::kRefused, kNoModules},
    {"subdir", Meaning::kRefused, kNoModules},
    {"rellinks", Meaning::kRefused, kNoModules},
    {"norellinks", Meaning::kRefused, kNoModules},
    {"from_code", Meaning::kRefused, kNoModules},
    {"to_code", Meaning::kRefused, kNoModules},
};

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
  const auto* const found =
      std::find_if(std::begin(kOptions), std::end(kOptions),
                   [&](const GenericOption& option) { return option.name == name; });
  if (found == std::end(kOptions)) return std::nullopt;
  return *found;
}

}  // namespace downwardfs
