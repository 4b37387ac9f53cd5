// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/read_cost.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/bench/figures.h"
#include "tests/bench/volume_content.h"

namespace downwardfs::bench {
namespace {

constexpr int kRounds = 9;
constexpr int kCached = 0;     // volumes: as they are used
constexpr int kUncached = 1;   // with the kernel's caches off
constexpr int kFirstCold = 2;  // one for each cold access
constexpr int kCold = 60;      // cold accesses of a kind

[[noreturn]] void Die(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

void Require(bool done, const std::string& what) {
  if (!done) Die(what);
}

void ReadWhole(const std::string& path, bool to_the_end) {
  static char buffer[65536];
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Require(fd >= 0, path);
  ssize_t n = 0;
  do {
    n = read(fd, buffer, sizeof buffer);
  } while (n > 0 && to_the_end);
  Require(n >= 0, path);
  close(fd);
}

// The ways in which a volume is accessed; `root` is its mount point.
void ReadLabels(const std::string& root) {
  ReadWhole(root + "/labels", false);
}

void StatLabels(const std::string& root) {
  struct stat st = {};
  const std::string path = root + "/labels";
  Require(stat(path.c_str(), &st) == 0, path);
}

void ListRoot(const std::string& root) {
  DIR* directory = opendir(root.c_str());
  Require(directory != nullptr, root);
  while (readdir(directory) != nullptr) {
  }
  closedir(directory);
}

void CatAll(const std::string& root) {
  for (const std::string& path : VolumePaths()) ReadWhole(root + "/" + path, true);
}

struct Access {
  const char* name;
  void (*once)(const std::string& root);
  int times;  // in a round, warm
};

constexpr Access kAccesses[] = {
    {"open+read+close of labels", ReadLabels, 20000},
    {"stat of labels", StatLabels, 20000},
    {"listing of the root", ListRoot, 5000},
    {"cat of all 7 files", CatAll, 2000},
};

double MicrosecondsPerCall(const Access& access, const std::string& root, int times) {
  const std::int64_t start = NowNs();
  for (int i = 0; i < times; ++i) access.once(root);
  return static_cast<double>(NowNs() - start) / 1000 / times;
}

// The kubelet's layout as ordinary files on a tmpfs of its own.
std::string MakeTmpfsVolume(const std::string& base) {
  namespace fs = std::filesystem;
  const std::string root = base + "/t0";
  const std::string data = "..2026_11_22_13_53_32.213006449";
  fs::create_directory(root);
  Require(mount("tmpfs", root.c_str(), "tmpfs", 0, nullptr) == 0, root);
  fs::create_directories(root + "/" + data + "/res");
  for (const ProjectedFile& file : NumberedFiles(1)) {
    std::ofstream(root + "/" + data + "/" + file.path) << file.content;
    const std::string first = file.path.substr(0, file.path.find('/'));
    std::error_code there_already;
    fs::create_symlink("..data/" + first, root + "/" + first, there_already);
  }
  fs::create_directory_symlink(data, root + "/..data");
  return root;
}

void MeasureWarm(VolumeServer& server, const std::string& tmpfs) {
  std::printf("\n%-34s %8s %8s %7s %10s %7s %9s\n", "warm, us per call, median of 9", "volume",
              "tmpfs", "ratio", "no caches", "ratio", "requests");
  for (const Access& access : kAccesses) {
    std::vector<double> ours;
    std::vector<double> theirs;
    std::vector<double> uncached;
    std::vector<double> ratios;
    for (int i = 0; i < 3; ++i) access.once(server.Path(kCached));
    const std::uint64_t requests = server.Stats(kCached).requests;
    for (int round = 0; round < kRounds; ++round) {
      ours.push_back(MicrosecondsPerCall(access, server.Path(kCached), access.times));
      theirs.push_back(MicrosecondsPerCall(access, tmpfs, access.times));
      ratios.push_back(ours.back() / theirs.back());
      uncached.push_back(MicrosecondsPerCall(access, server.Path(kUncached), access.times / 100));
    }
    const double per_call = static_cast<double>(server.Stats(kCached).requests - requests) /
                            (kRounds * static_cast<double>(access.times));
    std::printf("%-34s %8.2f %8.2f %6.2fx %10.1f %6.3fx %9.4f\n", access.name, Median(ours),
                Median(theirs), Median(ratios), Median(uncached), Median(ours) / Median(uncached),
                per_call);
  }
}

// The first access to a volume that nobody has looked at, over many such volumes.
std::vector<double> ColdTimes(VolumeServer& server, const Access& access, bool kernel_caches) {
  std::vector<double> times;
  for (int i = 0; i < kCold; ++i) {
    const int volume = kFirstCold + i;
    server.Mount({volume, false, kernel_caches});
    const std::string root = server.Path(volume);
    const int fd = open(root.c_str(), O_PATH | O_CLOEXEC);  // INIT is part of the mount
    while (server.Stats(volume).requests == 0) usleep(100);
    times.push_back(MicrosecondsPerCall(access, root, 1));
    close(fd);
    server.Unmount(volume);
  }
  return times;
}

void MeasureCold(VolumeServer& server) {
  std::printf("\n%-34s %8s %17s %9s\n", "first access, us, median of 60", "volume", "no caches",
              "ratio");
  for (const Access& access : kAccesses) {
    const double ours = Median(ColdTimes(server, access, true));
    const double uncached = Median(ColdTimes(server, access, false));
    std::printf("%-34s %8.1f %17.1f %8.2fx\n", access.name, ours, uncached, ours / uncached);
  }
}

}  // namespace

void MeasureReads(VolumeServer& server, const std::string& base) {
  const std::string tmpfs = MakeTmpfsVolume(base);
  server.Mount({kCached, false, true});
  server.Mount({kUncached, false, false});
  MeasureWarm(server, tmpfs);
  MeasureCold(server);
  server.Unmount(kCached);
  server.Unmount(kUncached);
}

}  // namespace downwardfs::bench
