// SPDX-License-Identifier: Apache-2.0
#include "tests/survival/chaos.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

#include "tests/support/children.h"
#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"
#include "tests/survival/readers.h"

namespace downwardfs::testing {
namespace {

// The child of the holder that runs our program.
int DaemonOf(int holder) {
  for (const int child : ChildrenOf(holder)) {
    if (NameOf(child) != "dwfs-publisher") return child;
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

// One mount, from its start until enough was killed or its holder is dead.
class Round {
 public:
  Round(const ChaosOptions& options, std::mt19937& random, ChaosResult& result)
      : options_(options), random_(random), result_(result) {
    dir_.Write("pod.json", NumberedPod(1));
    dir_.Write("items.yaml", kNumberedItems);
    if (options.memory) group_.emplace();
  }

  // False where it could not be mounted.
  bool Run() {
    std::vector<std::string> arguments = {"--pod-file",        dir_ / "pod.json", "--items",
                                          dir_ / "items.yaml", "--watchdog",      "500"};
    if (options_.live) arguments.insert(arguments.end(), {"--layout", "live"});
    if (!options_.resend) arguments.emplace_back("--no-resend");
    const Mounted mount(arguments, dir_.MakeDir("mount"));
    if (!mount.ok()) return false;
    holder_ = std::atoi(mount.StatusField("holderPid").c_str());
    std::thread writer([&] {
      while (!done_) {
        dir_.Replace("pod.json", NumberedPod(++number_));
        std::this_thread::sleep_for(std::chrono::milliseconds(7));
      }
    });
    std::thread dropper([&] {  // so that the kernel has to ask again
      while (!done_) {
        std::ofstream("/proc/sys/vm/drop_caches") << "2";
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    });
    {
      const Readers readers(mount.path(), options_.live, report_);
      while (holder_ != 0 && result_.kills + result_.stops < options_.kills) {
        std::this_thread::sleep_for(std::chrono::microseconds(random_() % 60000));
        KillOne();
      }
      done_ = true;
      writer.join();
      dropper.join();
      result_.changes += number_;
      // Without a publisher nobody raises events.
      if (!Eventually([&] {
            return readers.newest() == number_ &&
                   (holder_ == 0 || readers.newest_by_event() == number_);
          })) {
        result_.final_state_seen = false;
        result_.texts += "change " + std::to_string(number_) + " was not seen: last read " +
                         std::to_string(readers.newest()) + ", by event " +
                         std::to_string(readers.newest_by_event()) +
                         (holder_ == 0 ? ", without a holder" : "") + "\n" + Status() + "\n";
      }
    }
    result_.rounds += report_.calls();
    result_.failures += report_.failures();
    result_.longest_ms = std::max(result_.longest_ms, report_.longest_ms());
    result_.texts += report_.first_failures();
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  // An upgrade, or a publisher's death, ends the daemon a moment later.
  static constexpr std::chrono::milliseconds kOrderTakes{1000};

  bool OneIn(unsigned chances) { return random_() % chances == 0; }

  void KillOne() {
    const int daemon = DaemonOf(holder_);
    if (daemon == 0) return;
    const int publisher = PublisherOf(holder_);
    if (options_.sweeps && publisher != 0 && OneIn(options_.sweep_in)) return Sweep();
    if (options_.publishers && OneIn(10)) {
      if (publisher == 0) return;
      const bool stop = options_.stops && OneIn(4);
      if (kill(publisher, stop ? SIGSTOP : SIGKILL) == 0) {
        ++(stop ? result_.stopped_publishers : result_.publishers);
        last_order_ = Clock::now();
      }
      return;
    }
    if (options_.stops && OneIn(20)) return StopHolder(daemon);
    if (options_.upgrades && OneIn(10)) {
      if (kill(holder_, SIGUSR2) == 0) ++result_.upgrades;
      last_order_ = Clock::now();
      return;
    }
    if (group_ && group_->usable() && OneIn(10)) {
      if (group_->Take(daemon)) ++result_.out_of_memory;
      starving_ = daemon;
      return;
    }
    const bool stop = options_.stops && OneIn(20);
    if (kill(daemon, stop ? SIGSTOP : SIGKILL) == 0) ++(stop ? result_.stops : result_.kills);
  }

  // A daemon goes on meanwhile; if it dies, its readers wait until the holder does. The watchdog
  // may end a daemon whose signs of life it has missed.
  void StopHolder(int daemon) {
    if (kill(holder_, SIGSTOP) != 0) return;
    ++result_.stopped_holders;
    if (OneIn(2) && kill(daemon, SIGKILL) == 0) ++result_.kills;
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 700));
    kill(holder_, SIGCONT);
    last_order_ = Clock::now();
  }

  // The daemon must be there, serve, and be about to die of nothing else: it is all that is left.
  // Two deaths at once are a documented end of the mount. A holder that is stopped kills nobody
  // (its watchdog may be about to), so that what we see of the daemon then is so when it is killed.
  void Sweep() {
    int daemon = 0;
    if (!Eventually([&] { return (daemon = Serving()) != 0; })) return;
    kill(holder_, SIGSTOP);
    const int publisher = PublisherOf(holder_);
    if (!Eventually([&] { return StateIs('T', holder_); }) || publisher == 0 ||
        StateIs('T', publisher) || daemon == starving_ || DaemonOf(holder_) != daemon ||
        !GoesOn(daemon)) {
      kill(holder_, SIGCONT);
      return;
    }
    const bool alone = OneIn(2);
    const bool holder_first = OneIn(2);
    if (!alone && !holder_first) kill(publisher, SIGKILL);
    kill(holder_, SIGKILL);
    if (!alone && holder_first) kill(publisher, SIGKILL);
    ++(alone ? result_.holders : result_.sweeps);
    holder_ = 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  // The daemon that answers; 0 if there may be none.
  int Serving() const {
    char status[65536];
    const std::string at = dir_ / "mount";
    const int daemon = DaemonOf(holder_);
    const bool serves = Clock::now() - last_order_ > kOrderTakes && daemon != 0 &&
                        !StateIs('T', daemon) &&
                        getxattr(at.c_str(), "user.downwardfs.status", status, sizeof status) > 0 &&
                        DaemonOf(holder_) == daemon;
    return serves ? daemon : 0;
  }
  std::string Status() const {
    char status[65536];
    const std::string at = dir_ / "mount";
    const ssize_t size = getxattr(at.c_str(), "user.downwardfs.status", status, sizeof status);
    return {status, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }
  // It runs, and nobody has killed it.
  static bool GoesOn(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    bool there = false;
    for (std::string line; std::getline(status, line); there = true) {
      if (line.rfind("State:", 0) == 0 && line.find_first_of("ZXT", 6) != std::string::npos) {
        return false;
      }
      const bool pending = line.rfind("SigPnd:", 0) == 0 || line.rfind("ShdPnd:", 0) == 0;
      if (pending && (std::stoull(line.substr(7), nullptr, 16) >> (SIGKILL - 1) & 1) != 0) {
        return false;
      }
    }
    return there;
  }
  static bool StateIs(char state, int pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(stat, line);
    const auto name_end = line.rfind(')');
    return name_end != std::string::npos && name_end + 2 < line.size() &&
           line[name_end + 2] == state;
  }

  const ChaosOptions& options_;
  std::mt19937& random_;
  ChaosResult& result_;
  const TempDir dir_;
  std::optional<StarvingGroup> group_;
  ReaderReport report_;
  std::atomic<bool> done_{false};
  std::atomic<int> number_{1};
  int holder_ = 0;    // 0: dead
  int starving_ = 0;  // the daemon that will die of the next allocation
  Clock::time_point last_order_;
};

}  // namespace

ChaosResult RunChaos(const ChaosOptions& options) {
  ChaosResult result;
  result.final_state_seen = true;
  std::mt19937 random(options.seed);
  while (result.kills + result.stops < options.kills) {
    if (Round round(options, random, result); !round.Run()) {
      result.final_state_seen = false;
      break;
    }
  }
  return result;
}

std::string Summary(const ChaosResult& result) {
  char line[400];
  std::snprintf(line, sizeof line,
                "%d kills, %d stops, %d out of memory, %d publishers, %d publishers stopped, %d "
                "holders stopped, %d holders, %d sweeps, %d upgrades, %d changes, %ld rounds of "
                "reads, %ld failures, "
                "longest round %.0f ms, final state %s",
                result.kills, result.stops, result.out_of_memory, result.publishers,
                result.stopped_publishers, result.stopped_holders, result.holders, result.sweeps,
                result.upgrades, result.changes, result.rounds, result.failures, result.longest_ms,
                result.final_state_seen ? "seen" : "NOT SEEN");
  return line;
}

}  // namespace downwardfs::testing
