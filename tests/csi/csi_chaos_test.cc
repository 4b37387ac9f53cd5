// SPDX-License-Identifier: Apache-2.0
// The processes of the node plugin, killed and stopped in random order under readers. As many times
// as CHAOS_KILLS says (tests/chaos), and a few as a test.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "tests/csi/csi_fixture.h"
#include "tests/csi/volume_reader.h"

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
  bool KillOne(unsigned which) {
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
        holder_->Wait(SIGKILL);
        holder_.reset();
        StartHolder();
        return Count("mounter", IsUp());
      default:
        // Its daemon lives on, and is fenced off by the next one.
        StopPlugin(SIGKILL);
        Supervise();
        return Count("supervisor", true);
    }
  }
  bool Count(const std::string& what, bool done) {
    if (done) ++counts_[what];
    return done;
  }

  std::map<std::string, int> counts_;
};

TEST_F(CsiChaosTest, ReadersDoNotNotice) {
  StartHolder();
  Supervise();
  const PublishCall call = CallFor();
  ASSERT_TRUE(Eventually([&] { return client().Publish(call).ok(); }));
  std::mt19937 random(Seed());
  {
    const VolumeReader reader(call.target_path);
    for (int kills = 0; kills < Kills();) {
      if (!KillOne(random() % 7)) continue;
      ++kills;
      const std::string value = "after" + std::to_string(kills);
      Label(value);
      // Now and then the next one dies before the change is shown.
      if (random() % 2 == 0) continue;
      ASSERT_TRUE(Shows(call.target_path, "tick", value)) << "after " << kills << " kills";
    }
    Label("last");
    EXPECT_TRUE(Shows(call.target_path, "tick", "last"));
  }
  for (const auto& [what, count] : counts_) std::printf("%s %d  ", what.c_str(), count);
  std::printf("\n");
  EXPECT_EQ(MountsAt(call.target_path), 1);
}

}  // namespace
}  // namespace downwardfs::testing
