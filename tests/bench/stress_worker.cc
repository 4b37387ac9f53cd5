// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/stress_worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "base/owned_fd.h"
#include "tests/bench/volume_content.h"

namespace downwardfs::bench {
namespace {

class Worker {
 public:
  Worker(WorkerKind kind, int volumes, const VolumeServer& server, WorkerState& state)
      : kind_(kind), volumes_(volumes), server_(server), state_(state), random_(getpid()) {}

  [[noreturn]] void Run() {
    for (;;) {
      state_.alive_ns = NowNs();
      volume_ = static_cast<int>(random_() % static_cast<unsigned>(volumes_));
      const SharedVolume& shared = server_.shared().volumes[volume_];
      const std::uint32_t epoch = shared.epoch;
      failure_.clear();
      if (kind_ == WorkerKind::kWatch) volume_ = 0;
      if (kind_ != WorkerKind::kWatch && epoch % 2 != 0) continue;
      root_ = server_.Path(volume_);
      live_ = volume_ % 2 != 0;
      Round();
      ++state_.rounds;
      if (failure_.empty() || shared.epoch != epoch) continue;
      std::printf("FAILED: %s, volume %d: %s\n", NameOf(kind_), volume_, failure_.c_str());
      std::fflush(stdout);
      state_.failed = true;
      std::_Exit(1);
    }
  }

 private:
  void Round() {
    switch (kind_) {
      case WorkerKind::kByPath:
        return ByPath();
      case WorkerKind::kHeldDirectory:
        return HeldDirectory();
      case WorkerKind::kList:
        return List();
      case WorkerKind::kMap:
        return Map();
      case WorkerKind::kStat:
        return Stat();
      case WorkerKind::kWatch:
        return Watch();
    }
  }

  void Fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }
  bool Ok(bool done, const std::string& what) {
    if (!done) Fail(what + ": " + std::strerror(errno));
    return done;
  }

  // The number that the file says; -1 with a failure.
  std::int64_t Read(int directory, const std::string& path) {
    const OwnedFd file(openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!Ok(static_cast<bool>(file), "open " + path)) return -1;
    std::string content;
    char chunk[1500];  // smaller than a file, so that a torn one shows
    for (ssize_t n = 0; (n = read(file.get(), chunk, sizeof chunk)) != 0;) {
      if (!Ok(n > 0, "read " + path)) return -1;
      content.append(chunk, static_cast<std::size_t>(n));
    }
    const std::int64_t number = NumberIn(content);
    if (number < 0) Fail("torn " + path + ": " + content.substr(0, 60));
    return number;
  }

  const std::string& AnyPath() { return VolumePaths()[random_() % VolumePaths().size()]; }

  void ByPath() {
    const std::string path = root_ + "/" + AnyPath();
    const std::int64_t first = Read(AT_FDCWD, path);
    const std::int64_t second = Read(AT_FDCWD, path);
    if (second < first)
      Fail("older: " + std::to_string(second) + " after " + std::to_string(first));
  }

  // All files of one version, also when it is shown no longer, or its volume mounted nowhere.
  void HeldDirectory() {
    const SharedVolume& shared = server_.shared().volumes[volume_];
    const std::uint32_t forced = shared.forced;
    const OwnedFd held(
        open((root_ + (live_ ? "" : "/..data")).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!Ok(static_cast<bool>(held), "open ..data")) return;
    std::int64_t number = -1;
    for (const std::string& path : VolumePaths()) {
      const std::int64_t one = Read(held.get(), path);
      if (!live_ && number >= 0 && one >= 0 && one != number) {
        Fail("mixed: " + std::to_string(one) + " and " + std::to_string(number));
      }
      number = one;
      if (random_() % 4 == 0) usleep(random_() % 3000);
    }
    if (shared.forced != forced) failure_.clear();
  }

  void List() {
    for (const std::string& path : {root_, root_ + (live_ ? "/res" : "/..data/")}) {
      DIR* directory = opendir(path.c_str());
      if (!Ok(directory != nullptr, "opendir " + path)) return;
      int names = 0;
      errno = 0;
      while (readdir(directory) != nullptr) ++names;
      Ok(errno == 0, "readdir " + path);
      closedir(directory);
      // "." and ".."; six names and, in the kubelet's layout, `..data` and the data directory; in
      // the data directory six, in res two.
      const int expected = path != root_ ? (live_ ? 4 : 8) : (live_ ? 8 : 10);
      if (names != expected) Fail("listing of " + path + ": " + std::to_string(names) + " names");
    }
  }

  void Map() {
    const OwnedFd file(open((root_ + "/annotations").c_str(), O_RDONLY | O_CLOEXEC));
    if (!Ok(static_cast<bool>(file), "open annotations")) return;
    struct stat st = {};
    if (!Ok(fstat(file.get(), &st) == 0, "fstat")) return;
    const auto size = static_cast<std::size_t>(st.st_size);
    void* at = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (live_) {  // its pages change with the file, so only that the kernel gets some is sure
      if (at == MAP_FAILED && errno != ENODEV) Fail("a shared mapping of a live file");
      if (at == MAP_FAILED) return;
      if (madvise(at, size, MADV_POPULATE_READ) != 0 && errno != EFAULT) Fail("populate, live");
      munmap(at, size);
      return;
    }
    if (!Ok(at != MAP_FAILED, "mmap")) return;
    // A page that cannot be had is SIGBUS, so it is read ahead of the look at it.
    if (madvise(at, size, MADV_POPULATE_READ) == 0) {
      if (NumberIn({static_cast<const char*>(at), size}) < 0) Fail("torn mapping");
    } else {
      Ok(false, "populate");
    }
    munmap(at, size);
  }

  void Stat() {
    struct stat st = {};
    for (int i = 0; i < 50; ++i) {
      const std::string path = root_ + "/" + AnyPath();
      if (!Ok(stat(path.c_str(), &st) == 0, "stat " + path)) return;
      if (!Ok(lstat((root_ + (live_ ? "/labels" : "/..data")).c_str(), &st) == 0, "lstat")) return;
    }
  }

  // Watches every volume, and reads again when an event says so, at no other time.
  void Watch() {
    const OwnedFd inotify(inotify_init1(IN_CLOEXEC));
    int wd_of[kMaxVolumes];
    std::fill(std::begin(wd_of), std::end(wd_of), -1);
    for (;;) {
      state_.alive_ns = NowNs();
      ++state_.rounds;
      for (int i = 0; i < volumes_; ++i) {
        if (wd_of[i] < 0) wd_of[i] = Subscribe(inotify.get(), i);
      }
      pollfd poll_fd = {inotify.get(), POLLIN, 0};
      if (poll(&poll_fd, 1, 50) <= 0) continue;
      alignas(inotify_event) char buffer[65536];
      const ssize_t n = read(inotify.get(), buffer, sizeof buffer);
      bool told[kMaxVolumes] = {};
      for (ssize_t at = 0; at < n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        at += static_cast<ssize_t>(sizeof *event + event->len);
        for (int i = 0; i < volumes_; ++i) {
          if (wd_of[i] == event->wd) {
            told[i] = true;
            if ((event->mask & IN_IGNORED) != 0) wd_of[i] = -1;
          } else if ((event->mask & IN_Q_OVERFLOW) != 0) {
            told[i] = true;
          }
        }
      }
      for (int i = 0; i < volumes_; ++i) {
        if (told[i] && wd_of[i] >= 0) Look(i);
      }
    }
  }

  int Subscribe(int inotify, int volume) {
    const SharedVolume& shared = server_.shared().volumes[volume];
    const std::uint32_t epoch = shared.epoch;
    if (epoch % 2 != 0) return -1;
    const std::string path = server_.Path(volume) + (volume % 2 != 0 ? "/labels" : "");
    const std::uint32_t mask = volume % 2 != 0 ? IN_MODIFY : IN_MOVED_TO;
    const int wd = inotify_add_watch(inotify, path.c_str(), mask);
    if (shared.epoch != epoch) {
      // It may be a watch of the directory below the mount.
      if (wd >= 0) inotify_rm_watch(inotify, wd);
      return -1;
    }
    Look(volume);
    return wd;
  }

  void Look(int volume) {
    const SharedVolume& shared = server_.shared().volumes[volume];
    const std::uint32_t epoch = shared.epoch;
    failure_.clear();
    const std::int64_t number = Read(AT_FDCWD, server_.Path(volume) + "/labels");
    if (number >= 0) state_.seen[volume] = number;
    if (number >= 0 || epoch % 2 != 0 || shared.epoch != epoch) return;
    std::printf("FAILED: watcher, volume %d: %s\n", volume, failure_.c_str());
    std::fflush(stdout);
    state_.failed = true;
    std::_Exit(1);
  }

  const WorkerKind kind_;
  const int volumes_;
  const VolumeServer& server_;
  WorkerState& state_;
  std::minstd_rand random_;
  int volume_ = 0;
  std::string root_;
  bool live_ = false;
  std::string failure_;
};

}  // namespace

const char* NameOf(WorkerKind kind) {
  static constexpr const char* kNames[kWorkerKinds] = {"by path", "held directory", "list",
                                                       "map",     "stat",           "watch"};
  return kNames[static_cast<int>(kind)];
}

pid_t StartWorker(WorkerKind kind, int volumes, const VolumeServer& server, WorkerState& state) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Worker(kind, volumes, server, state).Run();
}

}  // namespace downwardfs::bench
