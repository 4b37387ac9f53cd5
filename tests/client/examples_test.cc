// SPDX-License-Identifier: Apache-2.0
// Runs the programs of docs/examples against the server double.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

#include "tests/client/temp_dir.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs {
namespace {

class ExamplesTest : public testing::Test {
 protected:
  ExamplesTest() {
    const std::string ca = dir_.Write("ca.pem", server_.ca_pem());
    kubeconfig_ = dir_.Write("kubeconfig",
                             "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
                             "clusters:\n- name: test\n  cluster:\n    server: " +
                                 server_.url() + "\n    certificate-authority: " + ca +
                                 "\nusers:\n- name: dev\n  user:\n    token: s3cret\n"
                                 "contexts:\n- name: test\n  context:\n    cluster: test\n"
                                 "    user: dev\n");
  }

  // The output of the program, and its exit status.
  std::pair<std::string, int> Run(const std::string& command) const {
    FILE* pipe = popen(
        (std::string(EXAMPLES_DIR "/example_") + command + " " + kubeconfig_ + " 2>&1").c_str(),
        "r");
    std::string text;
    std::array<char, 4096> buffer;
    std::size_t n = 0;
    while ((n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) text.append(buffer.data(), n);
    return {text, WEXITSTATUS(pclose(pipe))};
  }

  FakeApiServer server_{{.token = "s3cret"}};
  const TempDir dir_;
  std::string kubeconfig_;
};

TEST_F(ExamplesTest, NamespaceIsCreatedReadAndDeleted) {
  const auto [text, code] = Run("namespace demo");
  EXPECT_EQ(code, 0) << text;
  EXPECT_TRUE(text.starts_with("created demo\n{\"kind\":\"Namespace\"")) << text;
  EXPECT_TRUE(text.ends_with("deleted demo\n")) << text;
  server_.SetToken("another");
  const auto [refusal, refused] = Run("namespace demo");
  EXPECT_EQ(refused, 1);
  EXPECT_NE(refusal.find("cannot create namespaces: the server refuses our credentials"),
            std::string::npos)
      << refusal;
}

TEST_F(ExamplesTest, WatcherPrintsThePods) {
  server_.Put("default", "a", "1");
  server_.Put("default", "b", "1");
  server_.Put("other", "c", "1");
  const auto [text, code] = Run("watch_pods default 2");
  EXPECT_EQ(code, 0) << text;
  EXPECT_EQ(text, "added default/a\nadded default/b\n");
}

}  // namespace
}  // namespace downwardfs
