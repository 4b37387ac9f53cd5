// SPDX-License-Identifier: Apache-2.0
// The program against the API server double: a pod `default/web` with a volume `info`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/fake_api_server.h"
#include "tests/support/matchers.h"
#include "tests/support/mounted.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {

class ApiTest : public ::testing::Test {
 protected:
  static constexpr char kToken[] = "s3cr3t-t0ken";
  /// A container `main` without a memory limit, and a volume of the label, the name and that limit.
  static constexpr char kSpec[] =
      R"("containers":[{"name":"main","env":[)"
      R"({"name":"GREETING","valueFrom":{"configMapKeyRef":{"name":"words","key":"hello"}}},)"
      R"({"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"keys","key":"db"}}}],)"
      R"("envFrom":[{"prefix":"W_","configMapRef":{"name":"words"}}]}],)"
      R"("volumes":[{"name":"info","downwardAPI":{"items":[)"
      R"({"path":"tick","fieldRef":{"fieldPath":"metadata.labels['tick']"}},)"
      R"({"path":"name","fieldRef":{"fieldPath":"metadata.name"}}]}},)"
      R"({"name":"limits","downwardAPI":{"items":[{"path":"memory",)"
      R"("resourceFieldRef":{"containerName":"main","resource":"limits.memory"}}]}}])";

  ApiTest() : server_(MakeServer()) { Label("one"); }

  void Label(const std::string& value) {
    server_->PutObject("pods", "default", "web", {kSpec, ""}, value);
  }
  /// The flags of SOURCE, then `more`.
  std::vector<std::string> From(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"--server", server_->url(), "--ca-file",
                                      ca_,        "--token-file", token_};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::vector<std::string> Web(const std::vector<std::string>& more) const {
    std::vector<std::string> words = From({"--pod", "default/web"});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static Outcome Run(const std::string& command, std::vector<std::string> words) {
    words.insert(words.begin(), command);
    Outcome outcome = Downwardfs(words);
    EXPECT_EQ((outcome.out + outcome.err).find(kToken), std::string::npos) << "prints the token";
    return outcome;
  }
  bool Shows(const std::string& file, const std::string& content) const {
    return Eventually([&] { return Slurp(at_ + "/" + file) == content; });
  }

  const TempDir dir_;
  const std::unique_ptr<FakeApiServer> server_;
  const std::string token_ = dir_.Write("token", std::string(kToken) + "\n");
  const std::string ca_ = dir_.Write("ca.pem", server_->ca_pem());
  const std::string at_ = dir_.MakeDir("mount");

 private:
  static std::unique_ptr<FakeApiServer> MakeServer() {
    FakeApiServer::Options options;
    options.token = kToken;
    return std::make_unique<FakeApiServer>(std::move(options));
  }
};

}  // namespace downwardfs::testing
