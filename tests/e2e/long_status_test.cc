// SPDX-License-Identifier: Apache-2.0
// A status that is longer than an extended attribute may be (64 KiB) reaches those who ask.
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

constexpr int kItems = 1500;
constexpr std::size_t kLongestAttribute = 65536;

class LongStatusTest : public HeldMountTest {
 protected:
  // A pod file has no Node, so that each of these items is a problem of which the status tells.
  static std::string ManyProblems() {
    std::string pod = R"(apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeName: node1
  containers: [{name: main}]
  volumes:
    - name: info
      downwardAPI:
        items:
)";
    for (int i = 0; i < kItems; ++i) {
      pod += "          - {path: memory" + std::to_string(i) +
             ", resourceFieldRef: {containerName: main, resource: limits.memory}}\n";
    }
    return pod;
  }
};

TEST_F(LongStatusTest, RootAndAPodReadAllOfIt) {
  dir_.Replace("pod.yaml", ManyProblems());
  for (const bool held : {true, false}) {
    const Mounted mount(
        Arguments(held ? std::vector<std::string>{} : std::vector<std::string>{"--no-holder"}),
        at_);
    ASSERT_TRUE(mount.ok());
    for (const bool root : {true, false}) {
      std::vector<std::string> words = {DOWNWARDFS_BINARY, "status", at_, "--format", "json"};
      if (!root)
        words.insert(words.begin(), {"setpriv", "--bounding-set", "-all", "--inh-caps", "-all"});
      const Outcome outcome = RunProgram(words);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
      EXPECT_GT(outcome.out.size(), kLongestAttribute);
      const auto status = nlohmann::json::parse(outcome.out, nullptr, false);
      ASSERT_TRUE(status.is_object());
      EXPECT_EQ(status["problems"].size(), std::size_t{kItems});
      EXPECT_EQ(status["daemonPid"].is_null(), !root);
    }
  }
}

// The pages of the full status are root's, and a pod that asks pushes none of them out.
TEST_F(LongStatusTest, AWordOfRootsOpensNoPageToAPod) {
  dir_.Replace("pod.yaml", ManyProblems());
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  char page[kLongestAttribute];
  const auto read = [&](const std::string& name) {
    return getxattr(at_.c_str(), name.c_str(), page, sizeof page);
  };
  const ssize_t full = read("trusted.downwardfs.status.word.0");
  ASSERT_GT(full, 0);
  EXPECT_THAT(std::string(page, static_cast<std::size_t>(full)), HasSubstr("\"mountPoint\""));
  ASSERT_EQ(seteuid(65534), 0);
  const ssize_t second = read("user.downwardfs.status.word.1");
  EXPECT_TRUE(second < 0 && errno == ENODATA);
  for (const char* const word : {"word", "a", "b", "c"}) {
    const ssize_t shown = read(Concat({"user.downwardfs.status.", word, ".0"}));
    EXPECT_GT(shown, 0) << word;
    EXPECT_THAT(std::string(page, static_cast<std::size_t>(std::max<ssize_t>(shown, 0))),
                Not(HasSubstr("mountPoint")));
  }
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_GT(read("trusted.downwardfs.status.word.1"), 0);
}

}  // namespace
}  // namespace downwardfs::testing
