// SPDX-License-Identifier: Apache-2.0
// The processes of the node plugin, killed and stopped in random order under readers. As many times
// as CHAOS_KILLS says (tests/chaos), and a few as a test.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "tests/csi/csi_fixture.h"
#include "tests/csi/volume_reader.h"
#include "tests/e2e/ended.h"
#include "tests/support/children.h"

namespace downwardfs::testing {
namespace {

int Kills() {
  const char* const kills = std::getenv("CHAOS_KILLS");
  return kills != nullptr ? std::atoi(kills) : 12;
}

unsigned Seed() {
  const char* const seed = std::getenv("CHAOS_SEED");
  return seed != nullptr ? static_cast<unsigned>(std::atoi(seed)) : 1;
}

class CsiChaosTest : public CsiTest {
 protected:
  void Supervise() {
    StartPlugin({"--holder-socket", plugin_dir_ + "/holder.sock", "--watchdog", "500"});
  }
  // False where there is no such process just now.
  static bool Signal(const std::string& name, int signal) {
    const pid_t pid = Find(name);
    return pid != 0 && kill(pid, signal) == 0;
  }
  // The volume outlives any death but that of both who keep it: supervisor and mounter. One that
  // has begun keeps it once the other has handed it over.
  static bool Keeps(pid_t keeper) { return HasOpen(keeper, "/dev/fuse"); }
  bool BothKeep() {
    return Eventually([&] { return Keeps(plugin_->pid()) && Keeps(holder_->pid()); });
  }
  void KillMounter() {
    holder_->Wait(SIGKILL);
    holder_.reset();
  }
  // False where the process is not there just now.
  bool KillOne(unsigned which, VolumeReader& reader) {
    switch (which) {
      case 0:
      case 1:
        return Count("daemon", Signal("downwardfs-csi", SIGKILL));
      case 2:
        return Count("daemon stopped", Signal("downwardfs-csi", SIGSTOP));
      case 3:
        return Count("publisher", Signal("dwfs-publisher", SIGKILL));
      case 4:
        return Count("publisher stopped", Signal("dwfs-publisher", SIGSTOP));
      case 5:
        EXPECT_TRUE(BothKeep());
        KillMounter();
        StartHolder();
        return Count("mounter", IsUp());
      case 6:
        // Its daemon lives on, and is fenced off by the next one.
        EXPECT_TRUE(BothKeep());
        StopPlugin(SIGKILL);
        Supervise();
        return Count("supervisor", true);
      case 7:
        return StopForAWhile("mounter stopped", holder_->pid());
      case 8:
        return StopForAWhile("supervisor stopped", plugin_->pid());
      default:
        LoseBoth(reader, which == 10);
        return Count(which == 10 ? "all" : "supervisor and mounter", true);
    }
  }
  // Its daemon or publisher goes on meanwhile, or dies and is waited for.
  bool StopForAWhile(const std::string& what, pid_t keeper) {
    if (kill(keeper, SIGSTOP) != 0) return false;
    if (random_() % 2 == 0) Count("daemon", Signal("downwardfs-csi", SIGKILL));
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 700));
    return kill(keeper, SIGCONT) == 0 && Count(what, true);
  }
  // As `fuser -km` does: the volume is mounted anew. A daemon that lives on serves those who still
  // use the old mount.
  void LoseBoth(VolumeReader& reader, bool daemon_too) {
    reader.Excuse();
    const pid_t daemon = Find("downwardfs-csi");
    StopPlugin(SIGKILL);
    if (daemon_too && daemon != 0) kill(daemon, SIGKILL);
    KillMounter();
    StartHolder();
    Supervise();
    EXPECT_TRUE(BothKeep());
  }
  bool Count(const std::string& what, bool done) {
    if (!done) return false;
    ++counts_[what];
    const std::chrono::duration<double> since = VolumeReader::Clock::now() - start_;
    history_ += std::to_string(since.count()) + " s: " + what + "\n";
    return true;
  }

  const VolumeReader::Clock::time_point start_ = VolumeReader::Clock::now();
  std::mt19937 random_{Seed()};
  std::map<std::string, int> counts_;
  std::string history_;
};

TEST_F(CsiChaosTest, ReadersDoNotNotice) {
  StartHolder();
  Supervise();
  const PublishCall call = CallFor();
  ASSERT_TRUE(Eventually([&] { return client().Publish(call).ok(); }));
  {
    VolumeReader reader(call.target_path);
    for (int kills = 0; kills < Kills();) {
      const unsigned which = random_() % 11;
      if (!KillOne(which, reader)) continue;
      ++kills;
      const std::string value = "after" + std::to_string(kills);
      Label(value);
      // Now and then the next one dies before the change is shown.
      if (which < 9 && random_() % 2 == 0) continue;
      ASSERT_TRUE(Shows(call.target_path, "tick", value)) << "after " << kills << " kills\n"
                                                          << history_;
      reader.Expect();
    }
    Label("last");
    EXPECT_TRUE(Shows(call.target_path, "tick", "last"));
    for (const auto& [what, count] : counts_) std::printf("%s %d, ", what.c_str(), count);
    std::printf("%ld rounds of reads, %ld failures when both were gone\n", reader.rounds(),
                reader.excused());
  }
  EXPECT_EQ(MountsAt(call.target_path), 1);
  EXPECT_FALSE(HasFailure()) << history_ << Slurp(dir_ / "plugin.log")
                             << Slurp(dir_ / "holder.log");
}

// Its watchdog is dead, and the devices that it holds would keep readers waiting for ever.
TEST_F(CsiChaosTest, AStoppedProcessDoesNotOutliveWhoWatchesIt) {
  StartHolder();
  Supervise();
  const PublishCall call = CallFor();
  ASSERT_TRUE(Eventually([&] { return client().Publish(call).ok(); }));
  Label("events");
  ASSERT_TRUE(Shows(call.target_path, "tick", "events"));
  const pid_t publisher = Find("dwfs-publisher");
  const pid_t daemon = Find("downwardfs-csi");
  ASSERT_GT(publisher, 0);
  ASSERT_EQ(kill(publisher, SIGSTOP), 0);
  ASSERT_EQ(kill(daemon, SIGSTOP), 0);
  StopPlugin(SIGKILL);
  KillMounter();
  EXPECT_TRUE(Eventually([&] { return HasEnded(publisher); }));
  // The daemon goes on, serves those who use the volume, and gives up its sockets.
  StartHolder();
  Supervise();
  Label("anew");
  EXPECT_TRUE(Shows(call.target_path, "tick", "anew"));
  EXPECT_EQ(MountsAt(call.target_path), 1);
}

}  // namespace
}  // namespace downwardfs::testing
