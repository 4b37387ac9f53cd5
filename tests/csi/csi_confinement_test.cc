// SPDX-License-Identifier: Apache-2.0
// The node plugin's processes are confined, and do their work so: a system call that a filter
// refuses ends the process here.
#include <cstdlib>

#include "mount-helper/confinement.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

class CsiConfinementTest : public CsiTest {
 protected:
  void SetUp() override {
    if (Confining() == ConfiningMode::kOff) GTEST_SKIP() << "nothing is confined in this build";
    setenv("DOWNWARDFS_FILTER", "kill", 1);
  }
  void TearDown() override { unsetenv("DOWNWARDFS_FILTER"); }
};

TEST_F(CsiConfinementTest, EachProcessOfThePluginIs) {
  StartPlugin();
  const PublishCall call = Published();
  // Its first change of a tree starts the publisher.
  Label("next");
  EXPECT_TRUE(Shows(call.target_path, "tick", "next"));
  for (const std::string name :
       {"downwardfs-hold", "dwfs-mounter", "dwfs-publisher", "downwardfs-csi"}) {
    const std::string folder = "/proc/" + std::to_string(Find(name));
    EXPECT_THAT(Slurp(folder + "/status"),
                AllOf(HasSubstr("\nNoNewPrivs:\t1\n"), HasSubstr("\nSeccomp:\t2\n")))
        << name;
  }
  EXPECT_EQ(StatusField(call.target_path, "deaths"), "0");
  EXPECT_EQ(StatusField(call.target_path, "flipsWithoutEvents"), "0");
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
}

}  // namespace
}  // namespace downwardfs::testing
