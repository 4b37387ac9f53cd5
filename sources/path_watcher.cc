// SPDX-License-Identifier: Apache-2.0
#include "sources/path_watcher.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <deque>
#include <string_view>

namespace downwardfs {
namespace {

constexpr std::uint32_t kSelfEvents = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kNameEvents = kSelfEvents | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                      IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
constexpr std::uint32_t kFileEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
constexpr int kMaxLinks = 40;  // the kernel's own limit

// Puts the components of `path` before those in `parts`.
void PutInFront(std::string_view path, std::deque<std::string>& parts) {
  std::vector<std::string> components;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto component = path.substr(0, slash);
    if (!component.empty() && component != ".") components.emplace_back(component);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  parts.insert(parts.begin(), components.begin(), components.end());
}

std::string Child(const std::string& directory, const std::string& name) {
  std::string path = directory;
  if (path.back() != '/') path += '/';
  return path += name;
}

// `directory` has no symlinks in it, so its parent is what its text says.
std::string Parent(const std::string& directory) {
  return directory.substr(0, std::max<std::size_t>(directory.rfind('/'), 1));
}

// True if a file that just appeared may be written to yet; a symlink or a hard link is complete.
bool MayBeGrowing(const std::string& path) {
  struct stat st = {};
  return lstat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

}  // namespace

Result<PathWatcher> PathWatcher::Open(std::string path) {
  OwnedFd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) {
    return Fail(ErrnoError(errno, "inotify (is fs.inotify.max_user_instances used up?)"));
  }
  PathWatcher watcher(std::move(path), std::move(inotify));
  if (auto followed = watcher.Follow(); !followed) return Fail(std::move(followed.error()));
  return watcher;
}

// Adds events to the watch on `path`. False if it is not there (any more). A directory that may be
// searched but not read cannot be watched: then the file's inode alone must do.
Result<bool> PathWatcher::Add(Watches& watches, const std::string& path, std::uint32_t mask,
                              const std::string& name) {
  const int wd = inotify_add_watch(inotify_.get(), path.c_str(), mask | IN_MASK_ADD);
  if (wd < 0 && errno == EACCES) return true;
  if (wd < 0 && (errno == ENOENT || errno == ENOTDIR)) return false;
  if (wd < 0) {
    return Fail(ErrnoError(errno, path + ": inotify (is fs.inotify.max_user_watches used up?)"));
  }
  Watch& watch = watches[wd];
  if ((mask & IN_ONLYDIR) != 0) watch.directory = path;
  if (!name.empty()) watch.names.push_back(name);
  return true;
}

// Walks the path component by component. Each directory is watched before it is read, so no
// change can fall between. False if something vanished on the way: walk again.
Result<bool> PathWatcher::TryFollow(Watches& watches) {
  std::deque<std::string> parts;
  PutInFront(path_, parts);
  std::string directory = "/";
  int links = 0;
  while (!parts.empty()) {
    const std::string name = parts.front();
    parts.pop_front();
    if (name == "..") {
      directory = Parent(directory);
      continue;
    }
    const std::string full = Child(directory, name);
    struct stat st = {};
    if (lstat(full.c_str(), &st) == 0 && S_ISDIR(st.st_mode) && !parts.empty()) {
      auto added = Add(watches, full, kSelfEvents, "");
      if (!added || !*added) return added;
      directory = full;
      continue;
    }
    auto added = Add(watches, directory, kNameEvents, name);
    if (!added || !*added) return added;
    if (lstat(full.c_str(), &st) != 0) {
      blind_ = errno == EACCES;
      return true;
    }
    if (S_ISDIR(st.st_mode) && !parts.empty()) return false;
    if (!S_ISLNK(st.st_mode)) {
      added = Add(watches, full, kFileEvents, "");
      return added;
    }
    if (++links > kMaxLinks) return true;
    char target[PATH_MAX];
    const ssize_t n = readlink(full.c_str(), target, sizeof target);
    if (n <= 0) return false;
    const std::string_view text(target, static_cast<std::size_t>(n));
    if (text.front() == '/') directory.resize(1);  // its first byte is a slash
    PutInFront(text, parts);
  }
  return true;
}

Status PathWatcher::Follow() {
  Watches watches;
  // A path that changes under every walk is walked again at its next event.
  for (int attempt = 0; attempt < 10; ++attempt) {
    watches.clear();
    blind_ = false;
    auto followed = TryFollow(watches);
    if (!followed) return Fail(std::move(followed.error()));
    if (*followed) break;
  }
  for (const auto& [wd, watch] : watches_) {
    if (watches.count(wd) == 0) inotify_rm_watch(inotify_.get(), wd);
  }
  watches_ = std::move(watches);
  return {};
}

void PathWatcher::TakeEvent(const inotify_event& event, PathChanges& changes, bool& follow) {
  using Last = PathChanges::Last;
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    follow = true;
    changes.last = Last::kComplete;
    return;
  }
  const auto found = watches_.find(event.wd);
  if (found == watches_.end()) return;  // a watch that was let go
  const Watch& watch = found->second;
  if (event.len > 0) {
    const auto& names = watch.names;
    if (std::find(names.begin(), names.end(), event.name) == names.end()) return;
  } else if (!watch.directory.empty() && (event.mask & IN_ATTRIB) != 0) {
    return;  // the directory's own attributes
  }
  if ((event.mask & IN_MODIFY) != 0) {
    changes.written = true;
    changes.last = Last::kWritten;
  } else if ((event.mask & IN_ATTRIB) != 0) {
    if (changes.last == Last::kNothing) changes.last = Last::kTouched;
  } else if ((event.mask & IN_CREATE) != 0) {
    follow = true;
    const bool growing = MayBeGrowing(Child(watch.directory, event.name));
    changes.last = growing ? Last::kWritten : Last::kComplete;
  } else {
    follow |= (event.mask & IN_CLOSE_WRITE) == 0;
    changes.last = Last::kComplete;
  }
}

PathChanges PathWatcher::Drain() {
  PathChanges changes;
  bool follow = false;
  alignas(inotify_event) char buffer[16384];
  for (;;) {
    const ssize_t n = read(inotify_.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    for (const char* at = buffer; at < buffer + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      TakeEvent(*event, changes, follow);
      at += sizeof(inotify_event) + event->len;
    }
  }
  // A failure here (no watches left) leaves the old watches.
  if (follow) lost_ = !Follow();
  return changes;
}

}  // namespace downwardfs
