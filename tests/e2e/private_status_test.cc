// SPDX-License-Identifier: Apache-2.0
// Those who may read a mount's files learn from its status how old the data is, and nothing of the
// server, the machine or our processes. root on the node learns all.
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fs/fuse/public_status.h"
#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

class PrivateStatusTest : public ApiTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "this test acts as root and as others";
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  }
  Outcome StatusAs(std::vector<std::string> prefix) const {
    prefix.insert(prefix.end(), {DOWNWARDFS_BINARY, "status", at_, "--format", "json"});
    return RunProgram(prefix);
  }
  // A user of a pod, root of a pod, and root of a user namespace.
  const std::vector<std::vector<std::string>> others_ = {
      {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"},
      {"setpriv", "--bounding-set", "-all", "--inh-caps", "-all"},
      {"unshare", "--user", "--map-root-user"}};
};

TEST_F(PrivateStatusTest, OnlyRootOnTheNodeLearnsOfServerPathsAndProcesses) {
  for (const bool held : {true, false}) {
    std::vector<std::string> words = Web({"--volume", "info"});
    if (!held) words.emplace_back("--no-holder");
    const Mounted mount(words, at_);
    ASSERT_TRUE(mount.ok());
    const std::string daemon = mount.StatusField("daemonPid");
    const std::string holder = held ? mount.StatusField("holderPid") : daemon;
    for (const bool away : {false, true}) {
      if (away) {
        server_->Stop();
        ASSERT_TRUE(Eventually([&] { return mount.StatusField("lastError").size() > 2; }));
      }
      const Outcome root = StatusAs({});
      EXPECT_THAT(root.out, AllOf(HasSubstr(server_->url()), HasSubstr(at_),
                                  HasSubstr("\"daemonPid\": " + daemon)));
      for (const auto& who : others_) {
        const Outcome seen = StatusAs(who);
        ASSERT_EQ(seen.exit_code, 0) << seen.err;
        EXPECT_THAT(seen.out, AllOf(Not(HasSubstr(std::to_string(server_->port()))),
                                    Not(HasSubstr("://")), Not(HasSubstr(dir_.path())),
                                    Not(HasSubstr(daemon)), Not(HasSubstr(holder))))
            << who[1];
        EXPECT_THAT(seen.out,
                    AllOf(HasSubstr("\"pod\": \"default/web\""), HasSubstr("\"daemonPid\": null"),
                          HasSubstr("\"connected\": "), HasSubstr("\"dataAgeSeconds\": ")));
        EXPECT_EQ(seen.out.find("\"lastError\": \"\"") == std::string::npos, away);
      }
    }
    server_->Start();
  }
}

// A member that is new in the full status is private until it is listed; texts are looked through
// at any depth.
TEST(PublicStatusTest, MembersAreListedAndTextsLookedThrough) {
  const std::string seen = PublicStatus(
      R"({"pod":"a/b","mountPoint":"/var/lib/x","secretNew":1,"source":"https://10.0.0.1",)"
      R"("daemonPid":7,"problems":["cpu: no node","zone: https://10.0.0.1:6443: refused",)"
      R"("x: cannot open /root/key"],"objects":{"pods":{"count":1,"lastError":"10.0.0.1"}},)"
      R"("lastError":"10.0.0.1: refused","lastFault":""})");
  EXPECT_THAT(
      seen, AllOf(HasSubstr("\"pod\": \"a/b\""), HasSubstr("cpu: no node"), Not(HasSubstr("/var")),
                  Not(HasSubstr("secretNew")), Not(HasSubstr("10.0.0.1")), Not(HasSubstr("/root")),
                  HasSubstr("\"source\": null"), HasSubstr("\"lastFault\": \"\"")));
  EXPECT_EQ(PublicStatus("x"), "{}");
  EXPECT_EQ(PublicStatus("[1]"), "{}");
}

}  // namespace
}  // namespace downwardfs::testing
