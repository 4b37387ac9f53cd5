// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/update_cost.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "tests/bench/figures.h"
#include "tests/bench/volume_content.h"

namespace downwardfs::bench {
namespace {

constexpr int kSamples = 2000;
constexpr int kPatienceMs = 5000;

// Watches the volumes as a program would that waits for its labels to change.
class Watcher {
 public:
  Watcher(const VolumeServer& server, int volumes, bool live_layout)
      : fd_(inotify_init1(IN_CLOEXEC)), live_(live_layout) {
    for (int i = 0; i < volumes; ++i) {
      const std::string path = server.Path(i) + (live_ ? "/labels" : "");
      if (inotify_add_watch(fd_.get(), path.c_str(), live_ ? IN_MODIFY : IN_MOVED_TO) < 0) {
        std::perror(path.c_str());
        std::exit(1);
      }
    }
  }

  // When the event arrived; 0 if none did.
  std::int64_t Wait() const {
    alignas(inotify_event) char buffer[4096];
    pollfd poll_fd = {fd_.get(), POLLIN, 0};
    for (;;) {
      if (poll(&poll_fd, 1, kPatienceMs) <= 0) return 0;
      if (read(fd_.get(), buffer, sizeof buffer) <= 0) return 0;
      const auto* event = reinterpret_cast<const inotify_event*>(buffer);
      if (live_ || std::strcmp(event->name, "..data") == 0) return NowNs();
    }
  }

 private:
  const OwnedFd fd_;
  const bool live_;
};

void MeasureLatency(VolumeServer& server, int volumes, bool live_layout) {
  const Watcher watcher(server, volumes, live_layout);
  std::minstd_rand random(11);
  std::vector<double> times;
  for (int i = 0; i < kSamples; ++i) {
    const int volume = static_cast<int>(random() % static_cast<unsigned>(volumes));
    server.Publish(volume);
    const std::int64_t arrived = watcher.Wait();
    if (arrived == 0) {
      std::printf("NO EVENT from volume %d within %d ms\n", volume, kPatienceMs);
      std::exit(1);
    }
    const std::int64_t published = server.shared().volumes[volume].published_ns;
    times.push_back(static_cast<double>(arrived - published) / 1000);
    usleep(1000 + random() % 1000);
  }
  std::printf("%-34s %8.0f %8.0f %8.0f\n",
              (std::to_string(volumes) + (volumes == 1 ? " volume" : " volumes") +
               (live_layout ? ", live layout" : ""))
                  .c_str(),
              Percentile(times, 0.5), Percentile(times, 0.99), Percentile(times, 1));
}

// Until the versions of the last seconds are gone.
void Settle() {
  usleep(2'500'000);
}

// Mounts up to `to` volumes; returns the median time of the last hundred, in ms.
double Grow(VolumeServer& server, int from, int to, bool live_layout) {
  std::vector<double> times;
  for (int i = from; i < to; ++i) {
    times.push_back(static_cast<double>(server.Mount({i, live_layout, true})) / 1e6);
  }
  if (times.size() > 100) times.erase(times.begin(), times.end() - 100);
  return Median(times);
}

void UnmountAll(VolumeServer& server, int volumes) {
  for (int i = 0; i < volumes; ++i) server.Unmount(i);
}

double Mebibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

void ReadAll(const VolumeServer& server, int volumes) {
  static char buffer[65536];
  for (int i = 0; i < volumes; ++i) {
    for (const std::string& path : VolumePaths()) {
      const OwnedFd file(open((server.Path(i) + "/" + path).c_str(), O_RDONLY | O_CLOEXEC));
      if (!file || read(file.get(), buffer, sizeof buffer) < 0) std::perror(path.c_str());
    }
  }
}

pid_t StartReader(const std::string& path) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  static char buffer[65536];
  for (;;) {
    const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || read(file.get(), buffer, sizeof buffer) < 0) {
      std::perror(path.c_str());
      std::_Exit(1);
    }
    usleep(200);  // a core of its own for it would be a race for the processor, not for the volume
  }
}

}  // namespace

void MeasureUpdates(VolumeServer& server, int volumes) {
  const double idle = Mebibytes(server.ResidentBytes());
  std::vector<int> steps = {1};
  for (const int step : {std::min(100, volumes), volumes}) {
    if (step > steps.back()) steps.push_back(step);
  }
  std::string growth;
  std::printf("\n%-34s %8s %8s %8s\n", "Publish() to inotify, us", "p50", "p99", "max");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double mount_ms = Grow(server, i == 0 ? 0 : steps[i - 1], steps[i], false);
    Settle();
    const double unread = Mebibytes(server.ResidentBytes());
    ReadAll(server, steps[i]);
    const double read = Mebibytes(server.ResidentBytes());
    char line[200];
    std::snprintf(line, sizeof line, "%-34s %8.2f %10.1f %10.1f %14.1f\n",
                  (std::to_string(steps[i]) + " mounted").c_str(), mount_ms, unread, read,
                  (read - idle) * 1024 / steps[i]);
    growth += line;
    MeasureLatency(server, steps[i], false);
  }
  UnmountAll(server, volumes);
  steps.resize(std::min<std::size_t>(steps.size(), 2));
  for (const int count : steps) {
    Grow(server, 0, count, true);
    MeasureLatency(server, count, true);
    UnmountAll(server, count);
  }
  std::printf("\n%-34s %8s %10s %10s %14s\n", "growth", "mount ms", "MB unread", "MB read",
              "KB per volume");
  std::printf("%-34s %8s %10.1f\n%s", "none mounted", "", idle, growth.c_str());
}

void MeasureFlips(VolumeServer& server) {
  constexpr int kMs = 3000;
  server.Mount({0, false, true});
  const std::uint64_t alone = server.FlipFor(0, kMs);
  const pid_t reader = StartReader(server.Path(0) + "/labels");
  const std::uint64_t read = server.FlipFor(0, kMs);
  int status = 0;
  const bool failed = waitpid(reader, &status, WNOHANG) != 0;
  kill(reader, SIGKILL);
  if (!failed) waitpid(reader, nullptr, 0);
  server.Unmount(0);
  std::printf("\n%-34s %8.0f per second\n", "updates of one volume, unread",
              static_cast<double>(alone) * 1000 / kMs);
  std::printf("%-34s %8.0f per second%s\n", "the same under a reader",
              static_cast<double>(read) * 1000 / kMs, failed ? " (THE READER FAILED)" : "");
}

}  // namespace downwardfs::bench
