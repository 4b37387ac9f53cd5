// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/dir_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "base/file.h"

namespace downwardfs {
namespace {

constexpr int kMaxDepth = 2100;  // a path of 4096 bytes has no more elements

// Opens the directory `path` below `directory`, making what is missing of it.
Result<OwnedFd> MakeDirectories(int directory, const std::string& path) {
  OwnedFd at(dup(directory));
  if (!at) return Fail(ErrnoError(errno, path));
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    const bool made = mkdirat(at.get(), name.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return Fail(ErrnoError(errno, path));
    auto next = OpenDirectory(at.get(), name);
    if (!next) return next;
    if (made && fchmod(next->get(), 0755) != 0) return Fail(ErrnoError(errno, path));
    at = std::move(*next);
  }
  return at;
}

Status WriteFile(int directory, const std::string& path, const TreeFile& file) {
  const auto slash = path.rfind('/');
  OwnedFd parent;
  std::string name = path;
  if (slash != std::string::npos) {
    auto made = MakeDirectories(directory, path.substr(0, slash));
    if (!made) return Fail(std::move(made.error()));
    parent = std::move(*made);
    name = path.substr(slash + 1);
  }
  OwnedFd fd(openat(parent ? parent.get() : directory, name.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return Fail(ErrnoError(errno, path));
  if (auto written = WriteAll(fd.get(), file.content, path); !written) return written;
  if (fchmod(fd.get(), file.mode) != 0) return Fail(ErrnoError(errno, path));
  // By the descriptor: another file may have the name by now.
  if (file.user && fchown(fd.get(), *file.user, static_cast<gid_t>(-1)) != 0 && errno != EPERM) {
    return Fail(ErrnoError(errno, path));
  }
  // Some file systems report a full disk only here.
  if (close(fd.Release()) != 0) return Fail(ErrnoError(errno, path));
  return {};
}

// Compares the entries below `directory`, whose path is `prefix`, and counts the files.
bool SameBelow(int directory, const std::string& prefix, const FileTree& tree, std::size_t& files) {
  const auto names = ListNames(directory);
  if (!names) return false;
  for (const std::string& name : *names) {
    const std::string path = prefix + name;
    const auto file = tree.find(path);
    if (file == tree.end()) {
      // Only a directory on the way to one of the files may be there.
      const auto below = tree.lower_bound(path + "/");
      if (below == tree.end() || below->first.rfind(path + "/", 0) != 0) return false;
      const auto inner = OpenDirectory(directory, name);
      if (!inner || !SameBelow(inner->get(), path + "/", tree, files)) return false;
      continue;
    }
    const OwnedFd fd(
        openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat st = {};
    if (!fd || fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
    if ((st.st_mode & 07777) != file->second.mode) return false;
    if (geteuid() == 0 && st.st_uid != file->second.user.value_or(0)) return false;
    if (static_cast<std::size_t>(st.st_size) != file->second.content.size()) return false;
    const auto bytes = ReadAll(fd.get(), path, file->second.content.size() + 1);
    if (!bytes || *bytes != file->second.content) return false;
    ++files;
  }
  return true;
}

Status RemoveBelow(int directory, const std::string& name, int depth) {
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return Fail(ErrnoError(errno, name));
  const int unlink_error = errno;
  auto inner = OpenDirectory(directory, name);
  if (!inner) return Fail(ErrnoError(unlink_error, name));
  if (depth >= kMaxDepth) return Fail(ErrorCode::kInvalidArgument, name + ": nested too deep");
  auto names = ListNames(inner->get());
  if (!names) return Fail(std::move(names.error()), name);
  for (const std::string& entry : *names) {
    if (auto removed = RemoveBelow(inner->get(), entry, depth + 1); !removed) {
      return Fail(std::move(removed.error()), name);
    }
  }
  if (unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return Fail(ErrnoError(errno, name));
}

}  // namespace

Result<std::vector<std::string>> ListNames(int directory) {
  // A descriptor of its own: the position in a directory belongs to the open file.
  OwnedFd fd(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Fail(ErrnoError(errno, "."));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(fd.get()), closedir);
  if (!stream) return Fail(ErrnoError(errno, "."));
  fd.Release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr && errno != 0) return Fail(ErrnoError(errno, "."));
    if (entry == nullptr) return names;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
}

Result<OwnedFd> OpenDirectory(int directory, const std::string& name) {
  OwnedFd fd(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Fail(ErrnoError(errno, name));
  return fd;
}

Status GiveLink(int directory, const std::string& name, const std::string& target,
                std::uint32_t user) {
  const OwnedFd link(openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!link) return Fail(ErrnoError(errno, name));
  std::string found(target.size() + 1, '\0');
  const ssize_t size = readlinkat(link.get(), "", found.data(), found.size());
  if (size < 0 || found.substr(0, static_cast<std::size_t>(size)) != target) {
    return Fail(ErrorCode::kFailedPrecondition, name + ": is not the link that was made");
  }
  if (fchownat(link.get(), "", user, static_cast<gid_t>(-1), AT_EMPTY_PATH) == 0) return {};
  if (errno == EPERM) return {};
  return Fail(ErrnoError(errno, name));
}

Status WriteTree(int directory, const FileTree& tree) {
  for (const auto& [path, file] : tree) {
    if (auto written = WriteFile(directory, path, file); !written) return written;
  }
  return {};
}

bool HoldsTree(int directory, const FileTree& tree) {
  std::size_t files = 0;
  return SameBelow(directory, "", tree, files) && files == tree.size();
}

Status RemoveTree(int directory, const std::string& name) {
  return RemoveBelow(directory, name, 0);
}

}  // namespace downwardfs
