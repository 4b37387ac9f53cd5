// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/volume_place.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/text.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/volume_data.h"

namespace downwardfs {
namespace {

constexpr mode_t kTargetMode = 0750;
constexpr std::string_view kCsiFolder = "kubernetes.io~csi";

OwnedFd OpenBeneath(int root, const std::string& path) {
  open_how how = {};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return OwnedFd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// One element of a path that can be nothing else.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= NAME_MAX &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
         });
}

std::string_view NextElement(std::string_view& path) {
  const auto slash = path.find('/');
  const std::string_view element = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return element;
}

std::string_view WithoutSlashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

std::string Quoted(const std::string& path) {
  return "target_path " + QuoteForMessage(path);
}

Result<OwnedFd> OpenParent(const std::string& kubelet_dir, const std::string& path,
                           const std::string& parent) {
  OwnedFd fd;
  if (kubelet_dir.empty()) {
    const OwnedFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    fd = parent == "/" ? OwnedFd(dup(root.get())) : OpenBeneath(root.get(), parent.substr(1));
  } else {
    // The root itself may be reached by a symlink: that is the administrator's.
    const OwnedFd root(open(kubelet_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return Fail(ErrnoError(errno, kubelet_dir));
    fd = OpenBeneath(root.get(), parent.substr(WithoutSlashes(kubelet_dir).size() + 1));
  }
  if (fd) return fd;
  if (errno == ELOOP || errno == EXDEV) {
    return Fail(ErrorCode::kInvalidArgument, Quoted(path) + ": a symlink is in the way");
  }
  return Fail(ErrnoError(errno, Quoted(path)));
}

}  // namespace

std::string PlainPath(std::string_view path) {
  std::string plain;
  for (const char c : path) {
    if (c != '/' || plain.empty() || plain.back() != '/') plain += c;
  }
  if (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain;
}

std::optional<KubeletTarget> ParseKubeletTarget(std::string_view kubelet_dir,
                                                std::string_view path) {
  kubelet_dir = WithoutSlashes(kubelet_dir);
  if (path.substr(0, kubelet_dir.size()) != kubelet_dir) return std::nullopt;
  path.remove_prefix(kubelet_dir.size());
  if (path.empty() || path.front() != '/') return std::nullopt;
  path.remove_prefix(1);
  if (NextElement(path) != "pods") return std::nullopt;
  KubeletTarget target;
  target.pod_uid = NextElement(path);
  if (!IsPlainName(target.pod_uid)) return std::nullopt;
  if (NextElement(path) != "volumes" || NextElement(path) != kCsiFolder) return std::nullopt;
  target.volume = NextElement(path);
  if (!IsPlainName(target.volume) || path != "mount") return std::nullopt;
  return target;
}

Result<VolumePlace> VolumePlace::Open(const std::string& kubelet_dir, const std::string& path) {
  if (!kubelet_dir.empty() && !ParseKubeletTarget(kubelet_dir, path)) {
    return Fail(ErrorCode::kInvalidArgument,
                Quoted(path) + ": must be " + kubelet_dir +
                    "/pods/UID/volumes/kubernetes.io~csi/VOLUME/mount");
  }
  const std::string plain = PlainPath(path);
  const auto slash = plain.rfind('/');
  if (plain.empty() || plain.front() != '/' || slash + 1 == plain.size()) {
    return Fail(ErrorCode::kInvalidArgument, Quoted(path) + ": must be an absolute path");
  }
  std::string name = plain.substr(slash + 1);
  if (name == "." || name == "..") {
    return Fail(ErrorCode::kInvalidArgument, Quoted(path) + ": must not end in " + name);
  }
  auto parent = OpenParent(kubelet_dir, path, slash == 0 ? "/" : plain.substr(0, slash));
  if (!parent) return Fail(std::move(parent.error()));
  VolumePlace place(std::move(*parent), std::move(name), path);
  if (!kubelet_dir.empty()) place.volume_ = ParseKubeletTarget(kubelet_dir, path)->volume;
  return place;
}

// O_NONBLOCK for a FIFO, NO_XDEV for a mount: whatever lies there, nobody is waited for.
Result<std::string> VolumePlace::ReadVolumeData() const {
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const OwnedFd file(
      static_cast<int>(syscall(SYS_openat2, parent_.get(), kVolumeDataName, &how, sizeof how)));
  if (!file) return Fail(ErrnoError(errno, kVolumeDataName));
  struct stat st = {};
  if (fstat(file.get(), &st) != 0) return Fail(ErrnoError(errno, kVolumeDataName));
  if (!S_ISREG(st.st_mode)) return Invalid(std::string(kVolumeDataName) + ": is not a file");
  std::string text(kLongestVolumeData + 1, '\0');
  std::size_t size = 0;
  for (ssize_t n = 1; n > 0 && size < text.size(); size += static_cast<std::size_t>(n)) {
    n = read(file.get(), text.data() + size, text.size() - size);
    if (n < 0) return Fail(ErrnoError(errno, kVolumeDataName));
  }
  text.resize(size);
  return text;
}

Status VolumePlace::CheckOwner(const std::string& driver) const {
  if (volume_.empty()) return {};
  const auto text = ReadVolumeData();
  const auto data =
      text ? ParseVolumeData(*text) : Result<VolumeData>(tl::make_unexpected(text.error()));
  if (!data) {
    const std::string what = text ? std::string(kVolumeDataName) + ": " : "";
    return Fail(ErrorCode::kFailedPrecondition,
                Quoted(path_) + ": no record of the kubelet says whose it is: " + what +
                    data.error().message);
  }
  if (data->driver != driver) {
    return Fail(ErrorCode::kPermissionDenied, Quoted(path_) + ": is a volume of driver " +
                                                  QuoteForMessage(data->driver) + ", not of " +
                                                  driver + " (" + kVolumeDataName + ")");
  }
  // As the kubelet makes a directory's name of it (EscapeQualifiedName).
  std::string name = data->volume;
  std::replace(name.begin(), name.end(), '/', '~');
  if (name != volume_) {
    return Fail(ErrorCode::kPermissionDenied, Quoted(path_) + ": is of volume " +
                                                  QuoteForMessage(data->volume) + " (" +
                                                  kVolumeDataName + ")");
  }
  return {};
}

bool VolumePlace::Exists() const {
  struct statx st = {};
  constexpr int kStatFlags = AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  return statx(parent_.get(), name_.c_str(), kStatFlags, STATX_TYPE, &st) == 0 || errno != ENOENT;
}

Result<OwnedFd> VolumePlace::OpenTarget() const {
  if (mkdirat(parent_.get(), name_.c_str(), kTargetMode) != 0 && errno != EEXIST) {
    return Fail(ErrnoError(errno, Quoted(path_)));
  }
  OwnedFd target = OpenBeneath(parent_.get(), name_);
  if (target) return target;
  if (errno == ELOOP) return Fail(ErrorCode::kInvalidArgument, Quoted(path_) + ": is a symlink");
  return Fail(ErrnoError(errno, Quoted(path_)));
}

Result<std::string> VolumePlace::RealPath() const {
  auto path = PathOfDescriptor(parent_.get());
  if (!path) return Fail(std::move(path.error()), Quoted(path_));
  if (path->back() != '/') *path += '/';
  return *path + name_;
}

std::optional<std::string> VolumePlace::MountedThere() const {
  struct statx st = {};
  constexpr int kStatFlags = AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (statx(parent_.get(), name_.c_str(), kStatFlags, STATX_TYPE, &st) != 0) {
    if (errno == ENOENT) return std::string();
    return std::nullopt;
  }
  if ((st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) return std::nullopt;
  if ((st.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) return std::string();
  return std::to_string(st.stx_dev_major) + ":" + std::to_string(st.stx_dev_minor);
}

Status VolumePlace::Detach() const {
  const std::string target = "/proc/self/fd/" + std::to_string(parent_.get()) + "/" + name_;
  if (umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  return Fail(ErrnoError(errno, Quoted(path_) + ": unmount"));
}

Status VolumePlace::RemoveTarget() const {
  if (unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) {
    return Fail(ErrorCode::kFailedPrecondition,
                Quoted(path_) + ": is not an empty directory; what is there is not removed");
  }
  return Fail(ErrnoError(errno, Quoted(path_)));
}

Result<OwnedFd> OpenInKubeletDir(const std::string& kubelet_dir, const std::string& path) {
  const OwnedFd root(open(kubelet_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Fail(ErrnoError(errno, kubelet_dir));
  OwnedFd directory = OpenBeneath(root.get(), path);
  if (!directory) return Fail(ErrnoError(errno, path));
  return directory;
}

bool PodDirectoryExists(const std::string& kubelet_dir, const std::string& path) {
  if (kubelet_dir.empty()) return true;
  const auto target = ParseKubeletTarget(kubelet_dir, path);
  if (!target) return true;
  const OwnedFd root(open(kubelet_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return true;
  const OwnedFd pod = OpenBeneath(root.get(), "pods/" + target->pod_uid);
  return pod || errno != ENOENT;
}

}  // namespace downwardfs
