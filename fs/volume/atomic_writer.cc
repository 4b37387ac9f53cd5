// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/atomic_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/text.h"

namespace downwardfs {
namespace {

constexpr char kData[] = "..data";
constexpr char kDataTmp[] = "..data_tmp";

tl::unexpected<Error> BadPath(const std::string& path, const std::string& rule) {
  return Fail(ErrorCode::kInvalidArgument, "path " + QuoteForMessage(path) + ": " + rule);
}

// The items were validated when they were read; what is written to disk is checked once more.
Status CheckPath(const std::string& path) {
  if (path.empty()) return BadPath(path, "must not be empty");
  if (path.size() > 4096) return BadPath(path, "must not be longer than 4096 bytes");
  if (path.rfind("..", 0) == 0) return BadPath(path, "must not start with '..'");
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string element = path.substr(begin, end - begin);
    begin = end + 1;
    if (element.empty() || element == "." || element == ".." ||
        element.find('\0') != std::string::npos) {
      return BadPath(path, "must be a clean relative path");
    }
    if (element.size() > 255) return BadPath(path, "an element is longer than 255 bytes");
  }
  return {};
}

Result<FileTree> MakeTree(const std::vector<ProjectedFile>& files) {
  FileTree tree;
  for (const ProjectedFile& file : files) {
    if (auto checked = CheckPath(file.path); !checked) return Fail(std::move(checked.error()));
    if (!tree.emplace(file.path, TreeFile{file.content, file.mode & 0777, file.user}).second) {
      return BadPath(file.path, "appears twice");
    }
  }
  for (const auto& [path, file] : tree) {
    const auto below = tree.lower_bound(path + "/");
    if (below != tree.end() && below->first.rfind(path + "/", 0) == 0) {
      return BadPath(path, "is a directory of " + QuoteForMessage(below->first));
    }
  }
  return tree;
}

std::vector<std::string> VisibleNames(const FileTree& tree) {
  std::set<std::string> names;
  for (const auto& [path, file] : tree) names.insert(path.substr(0, path.find('/')));
  return {names.begin(), names.end()};
}

// The user who will own the link `name`: that of the last file below it that has one.
std::optional<std::uint32_t> LinkUser(const FileTree& tree, const std::string& name) {
  std::optional<std::uint32_t> user;
  for (const auto& [path, file] : tree) {
    if (file.user && path.substr(0, path.find('/')) == name) user = file.user;
  }
  return user;
}

// The target of a symlink; nothing if `name` is no symlink or does not exist (errno tells).
std::optional<std::string> LinkTarget(int directory, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t n = readlinkat(directory, name.c_str(), target, sizeof target);
  if (n < 0) return std::nullopt;
  return std::string(target, static_cast<std::size_t>(n));
}

// A file system without locks does without.
Status Lock(int directory, const std::string& path) {
  if (flock(directory, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {};
  return Fail(ErrorCode::kAlreadyExists, path + ": another downwardfs writes to it");
}

}  // namespace

Result<std::unique_ptr<AtomicWriter>> AtomicWriter::Open(const std::string& directory,
                                                         const Clock& clock) {
  OwnedFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Fail(ErrnoError(errno, directory));
  if (auto locked = Lock(fd.get(), directory); !locked) return Fail(std::move(locked.error()));
  std::error_code error;
  const auto place = std::filesystem::canonical(directory, error);
  if (error) return Fail(ErrnoError(error.value(), directory));
  return std::unique_ptr<AtomicWriter>(
      new AtomicWriter(directory, place.string(), std::move(fd), clock));
}

bool AtomicWriter::IsThere() const {
  const OwnedFd there = OpenWithoutLinks(place_, O_PATH | O_DIRECTORY);
  // Without openat2(2) nothing can be opened again safely: stay with the one that is open.
  if (!there) return errno == ENOSYS || errno == EPERM;
  struct stat ours = {};
  struct stat now = {};
  return fstat(directory_.get(), &ours) == 0 && fstat(there.get(), &now) == 0 &&
         ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

bool AtomicWriter::InPlace() const {
  if (!IsThere()) return false;
  return std::all_of(links_.begin(), links_.end(), [this](const std::string& name) {
    return faccessat(directory_.get(), name.c_str(), F_OK, 0) == 0;
  });
}

Status AtomicWriter::Reopen() {
  OwnedFd fd = OpenWithoutLinks(place_, O_RDONLY | O_DIRECTORY);
  if (!fd && errno == ELOOP) {
    return Fail(ErrorCode::kFailedPrecondition,
                path_ +
                    ": a symbolic link has taken the place of a directory; it is not followed, "
                    "start downwardfs again if it should be");
  }
  if (!fd) return Fail(ErrnoError(errno, path_));
  if (auto locked = Lock(fd.get(), path_); !locked) return locked;
  directory_ = std::move(fd);
  return {};
}

Status AtomicWriter::Write(const std::vector<ProjectedFile>& files) {
  auto tree = MakeTree(files);
  if (!tree) return Fail(std::move(tree.error()), path_);
  if (!IsThere()) {
    if (auto opened = Reopen(); !opened) return opened;
  }
  if (auto updated = Update(*tree); !updated) return Fail(std::move(updated.error()), path_);
  links_ = VisibleNames(*tree);
  links_.emplace_back(kData);
  return {};
}

Result<std::string> AtomicWriter::CurrentDataDir() const {
  auto target = LinkTarget(directory_.get(), kData);
  if (!target && errno == ENOENT) return std::string();
  if (!target && errno != EINVAL) return Fail(ErrnoError(errno, kData));
  if (target && IsDataDirName(*target)) return *target;
  return Fail(ErrorCode::kFailedPrecondition,
              std::string(kData) + ": " +
                  (target ? "leads to " + QuoteForMessage(*target) : "is not a symbolic link") +
                  ", which no writer of volumes made; remove it or take another directory");
}

Result<bool> AtomicWriter::HasOurLink(const std::string& name) const {
  const auto target = LinkTarget(directory_.get(), name);
  if (target && *target == std::string(kData) + "/" + name) return true;
  if (!target && errno == ENOENT) return false;
  if (!target && errno != EINVAL) return Fail(ErrnoError(errno, name));
  return Fail(ErrorCode::kAlreadyExists,
              name + ": there is " +
                  (target ? "a symbolic link to " + QuoteForMessage(*target)
                          : std::string("a file or directory")) +
                  " of that name which downwardfs did not make; remove it or rename the item");
}

Status AtomicWriter::RemoveLeftovers(const std::vector<std::string>& names,
                                     const std::string& current) const {
  for (const std::string& name : names) {
    if (name == kDataTmp) {
      const auto target = LinkTarget(directory_.get(), name);
      if (!target) {
        return Fail(ErrorCode::kFailedPrecondition, name + ": is not a symbolic link; remove it");
      }
      if (unlinkat(directory_.get(), kDataTmp, 0) != 0) return Fail(ErrnoError(errno, kDataTmp));
    } else if (name != current && IsDataDirName(name)) {
      if (auto removed = RemoveTree(directory_.get(), name); !removed) return removed;
    }
  }
  return {};
}

Result<std::string> AtomicWriter::MakeDataDir(const FileTree& tree) {
  std::string name = namer_.Next();
  // The digits are random: a name that is taken twice in a row does not happen.
  if (mkdirat(directory_.get(), name.c_str(), 0700) != 0) {
    if (errno != EEXIST) return Fail(ErrnoError(errno, name));
    name = namer_.Next();
    if (mkdirat(directory_.get(), name.c_str(), 0700) != 0) return Fail(ErrnoError(errno, name));
  }
  Status done;
  auto fd = OpenDirectory(directory_.get(), name);
  if (!fd) {
    done = Fail(std::move(fd.error()));
  } else if (fchmod(fd->get(), 0755) != 0) {
    done = Fail(ErrnoError(errno, name));
  } else {
    done = WriteTree(fd->get(), tree);
  }
  if (done) return name;
  static_cast<void>(RemoveTree(directory_.get(), name));  // the first error is the one to tell
  return Fail(std::move(done.error()));
}

Status AtomicWriter::MakeLinks(const FileTree& tree, std::vector<std::string>& made) const {
  for (const std::string& name : VisibleNames(tree)) {
    auto there = HasOurLink(name);
    if (!there) return Fail(std::move(there.error()));
    const std::string target = std::string(kData) + "/" + name;
    if (!*there) {
      if (symlinkat(target.c_str(), directory_.get(), name.c_str()) != 0) {
        return Fail(ErrnoError(errno, name));
      }
      made.push_back(name);
    }
    if (const auto user = LinkUser(tree, name)) {
      if (auto given = GiveLink(directory_.get(), name, target, *user); !given) return given;
    }
  }
  return {};
}

Status AtomicWriter::Flip(const std::string& data_dir) const {
  if (symlinkat(data_dir.c_str(), directory_.get(), kDataTmp) != 0) {
    return Fail(ErrnoError(errno, kDataTmp));
  }
  if (renameat(directory_.get(), kDataTmp, directory_.get(), kData) == 0) return {};
  const int error = errno;
  unlinkat(directory_.get(), kDataTmp, 0);
  return Fail(ErrnoError(error, kData));
}

Status AtomicWriter::Update(const FileTree& tree) {
  const std::vector<std::string> visible = VisibleNames(tree);
  bool links_complete = true;
  for (const std::string& name : visible) {
    auto there = HasOurLink(name);
    if (!there) return Fail(std::move(there.error()));
    links_complete = links_complete && *there;
  }
  auto current = CurrentDataDir();
  if (!current) return Fail(std::move(current.error()));
  auto names = ListNames(directory_.get());
  if (!names) return Fail(std::move(names.error()));
  if (auto removed = RemoveLeftovers(*names, *current); !removed) return removed;

  // Our links to files that are gone. (A link of that form is ours, whatever version it is from.)
  std::vector<std::string> stale;
  for (const std::string& name : *names) {
    if (std::binary_search(visible.begin(), visible.end(), name)) continue;
    if (LinkTarget(directory_.get(), name) == std::string(kData) + "/" + name)
      stale.push_back(name);
  }
  if (links_complete && stale.empty() && !current->empty()) {
    const auto old = OpenDirectory(directory_.get(), *current);
    if (old && HoldsTree(old->get(), tree)) return {};
  }

  auto data_dir = MakeDataDir(tree);
  if (!data_dir) return Fail(std::move(data_dir.error()));
  std::vector<std::string> made;
  Status done = MakeLinks(tree, made);
  if (done) done = Flip(*data_dir);
  if (!done) {
    for (const std::string& name : made) unlinkat(directory_.get(), name.c_str(), 0);
    static_cast<void>(RemoveTree(directory_.get(), *data_dir));
    return done;
  }
  for (const std::string& name : stale) {
    if (unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
      return Fail(ErrnoError(errno, name));
    }
  }
  if (!current->empty()) return RemoveTree(directory_.get(), *current);
  return {};
}

}  // namespace downwardfs
