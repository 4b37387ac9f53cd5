// SPDX-License-Identifier: Apache-2.0
// The cluster mount where the server refuses what is asked for first, and what `status` says then.
#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

using Refusal = FakeApiServer::StreamingRefusal;

class ClusterRefusalsTest : public ApiTest {
 protected:
  bool HasPod() const { return Shows("namespaces/default/pods/web/podName", "web\n"); }
};

// client-go lists at once, whatever the refusal.
TEST_F(ClusterRefusalsTest, ARefusedStreamingListIsListed) {
  for (const Refusal refusal : {Refusal{403}, Refusal{404}, Refusal{500}, Refusal{501},
                                Refusal{503}, Refusal{.code = 500, .as_event = true}}) {
    server_->RefuseStreaming(refusal);
    const Mounted mount(From({"--cluster"}), at_);
    ASSERT_TRUE(mount.ok()) << refusal.code;
    EXPECT_TRUE(HasPod()) << refusal.code;
    Label("after " + std::to_string(refusal.code));
    EXPECT_TRUE(Shows("namespaces/default/pods/web/labels.d/tick",
                      "after " + std::to_string(refusal.code) + "\n"));
    Label("one");
  }
}

// Rights to list and not to watch: the mount stands, and status says what is missing.
TEST_F(ClusterRefusalsTest, WithoutWatchesTheMountStands) {
  server_->Forbid("watch pods");
  const Mounted mount(From({"--cluster"}), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_TRUE(HasPod());
  EXPECT_TRUE(Eventually(
      [&] { return Run("status", {at_}).out.find("cannot watch pods") != std::string::npos; }));
}

// A kind that is not followed is not waited for.
TEST_F(ClusterRefusalsTest, StatusCountsWhatIsFollowed) {
  const Mounted mount(From({"--namespace", "default,other", "--no-node"}), at_);
  ASSERT_TRUE(mount.ok());
  ASSERT_TRUE(HasPod());
  const std::string status = Run("status", {at_}).out;
  EXPECT_THAT(status, HasSubstr("pods:            1\n"));
  EXPECT_THAT(status, HasSubstr("namespaces:      default, other\n"));
  EXPECT_THAT(status, Not(HasSubstr("still loading")));
  EXPECT_THAT(status, Not(HasSubstr("nodes:")));
}

}  // namespace
}  // namespace downwardfs::testing
