// SPDX-License-Identifier: Apache-2.0
#include "tests/survival/chaos.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"
#include "tests/survival/readers.h"

namespace downwardfs::testing {
namespace {

// The child of the holder that is its publisher, or the one that runs our program.
int ChildOf(int holder, bool publisher) {
  const std::string task = "/proc/" + std::to_string(holder) + "/task/" + std::to_string(holder);
  std::ifstream children(task + "/children");
  for (int pid = 0; children >> pid;) {
    std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    if (std::getline(comm, name) && (name == "dwfs-publisher") == publisher) return pid;
  }
  return 0;
}

// A control group in which nothing can be allocated; whoever is put into it is killed by the kernel
// when it next wants memory.
class StarvingGroup {
 public:
  StarvingGroup() {
    for (const auto& [folder, limit] :
         {std::pair<std::string, const char*>{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
          {"/sys/fs/cgroup", "memory.max"}}) {
      std::error_code failed;
      folder_ = folder + "/downwardfs-chaos-" + std::to_string(getpid());
      if (std::filesystem::create_directory(folder_, failed)) {
        if (Write(limit, "65536")) return;
        std::filesystem::remove(folder_, failed);
      }
      folder_.clear();
    }
  }
  ~StarvingGroup() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove(folder_, ignored);
  }
  StarvingGroup(const StarvingGroup&) = delete;
  StarvingGroup& operator=(const StarvingGroup&) = delete;

  bool usable() const { return !folder_.empty(); }
  bool Take(int pid) const { return Write("cgroup.procs", std::to_string(pid)); }

 private:
  bool Write(const std::string& file, const std::string& text) const {
    std::ofstream out(folder_ + "/" + file);
    return static_cast<bool>(out << text << std::flush);
  }
  std::string folder_;
};

}  // namespace

ChaosResult RunChaos(const ChaosOptions& options) {
  ChaosResult result;
  const TempDir dir;
  dir.Write("pod.json", NumberedPod(1));
  dir.Write("items.yaml", kNumberedItems);
  std::vector<std::string> arguments = {"--pod-file",       dir / "pod.json", "--items",
                                        dir / "items.yaml", "--watchdog",     "500"};
  if (options.live) arguments.insert(arguments.end(), {"--layout", "live"});
  if (!options.resend) arguments.emplace_back("--no-resend");
  const Mounted mount(arguments, dir.MakeDir("mount"));
  if (!mount.ok()) return result;
  const int holder = std::atoi(mount.StatusField("holderPid").c_str());

  std::mt19937 random(options.seed);
  std::optional<StarvingGroup> group;
  if (options.memory) group.emplace();
  std::atomic<bool> done{false};
  std::atomic<int> number{1};
  std::thread writer([&] {
    while (!done) {
      dir.Replace("pod.json", NumberedPod(++number));
      std::this_thread::sleep_for(std::chrono::milliseconds(7));
    }
  });
  std::thread dropper([&] {  // so that the kernel has to ask again
    while (!done) {
      std::ofstream("/proc/sys/vm/drop_caches") << "2";
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  ReaderReport report;
  {
    const Readers readers(mount.path(), options.live, report);
    while (result.kills + result.stops < options.kills) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60000));
      const int daemon = ChildOf(holder, false);
      if (daemon == 0) continue;
      if (options.publishers && random() % 10 == 0) {
        const int publisher = ChildOf(holder, true);
        if (publisher != 0 && kill(publisher, SIGKILL) == 0) ++result.publishers;
        continue;
      }
      if (options.upgrades && random() % 10 == 0) {
        if (kill(holder, SIGUSR2) == 0) ++result.upgrades;
        continue;
      }
      if (group && group->usable() && random() % 10 == 0) {
        if (group->Take(daemon)) ++result.out_of_memory;
        continue;
      }
      const bool stop = options.stops && random() % 20 == 0;
      if (kill(daemon, stop ? SIGSTOP : SIGKILL) == 0) ++(stop ? result.stops : result.kills);
    }
    done = true;
    writer.join();
    dropper.join();
    result.changes = number;
    result.final_state_seen = Eventually(
        [&] { return readers.newest() == number && readers.newest_by_event() == number; });
  }
  result.rounds = report.calls();
  result.failures = report.failures();
  result.longest_ms = report.longest_ms();
  result.texts = report.first_failures();
  return result;
}

std::string Summary(const ChaosResult& result) {
  char line[256];
  std::snprintf(
      line, sizeof line,
      "%d kills, %d stops, %d out of memory, %d publishers, %d upgrades, %d changes, %ld rounds of "
      "reads, %ld failures, "
      "longest round "
      "%.0f ms, final state %s",
      result.kills, result.stops, result.out_of_memory, result.publishers, result.upgrades,
      result.changes, result.rounds, result.failures, result.longest_ms,
      result.final_state_seen ? "seen" : "NOT SEEN");
  return line;
}

}  // namespace downwardfs::testing
