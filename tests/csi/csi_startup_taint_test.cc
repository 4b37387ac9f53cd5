// SPDX-License-Identifier: Apache-2.0
// A taint that new nodes come with goes once the kubelet has registered the driver, and at no other
// time. Source: node.spec.taints and CSINode of the Kubernetes API.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

using Keys = std::vector<std::string>;

class StartupTaintTest : public CsiTest {
 protected:
  static constexpr char kKey[] = "example.org/starting";

  StartupTaintTest() { Taint(); }

  // The node has the taint twice, and one of somebody else's.
  void Taint() {
    server_->PutObject(
        "nodes", "", "node1",
        {.spec = R"("taints":[{"key":"example.org/starting","effect":"NoSchedule"},)"
                 R"({"key":"example.org/gpu","value":"a","effect":"NoExecute"},)"
                 R"({"key":"example.org/starting","value":"x","effect":"NoExecute"}])"},
        "zone-a");
  }
  void Register(const std::string& driver) {
    const nlohmann::json drivers = nlohmann::json::array({{{"name", driver}, {"nodeID", "node1"}}});
    const nlohmann::json object = {{"kind", "CSINode"},
                                   {"apiVersion", "storage.k8s.io/v1"},
                                   {"metadata", {{"name", "node1"}}},
                                   {"spec", {{"drivers", drivers}}}};
    server_->PutObject("csinodes", "", "node1", {.whole = object.dump()});
  }
  Keys Taints() const {
    Keys keys;
    const auto node = nlohmann::json::parse(server_->Json("nodes", "", "node1"));
    for (const auto& taint : node["spec"]["taints"]) keys.push_back(taint["key"]);
    return keys;
  }
  long Asked(const std::string& request) const {
    const auto all = server_->Requests();
    return std::count_if(all.begin(), all.end(),
                         [&](const std::string& line) { return line.rfind(request, 0) == 0; });
  }
  // Since the call.
  bool AsksAgain() const {
    const std::string question = "get /apis/storage.k8s.io/v1/csinodes/node1";
    const long before = Asked(question);
    return Eventually([&] { return Asked(question) > before; });
  }

  const Keys both_ = {kKey, "example.org/gpu", kKey};
  const Keys others_ = {"example.org/gpu"};
};

TEST_F(StartupTaintTest, ItGoesOnceTheDriverIsRegisteredAndWheneverItComes) {
  StartPlugin({"--startup-taint", kKey});
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  ASSERT_TRUE(AsksAgain());  // there is no CSINode yet
  Register("csi.example.com");
  ASSERT_TRUE(AsksAgain());
  EXPECT_EQ(Taints(), both_);
  EXPECT_EQ(Asked("patch"), 0);

  Register(kDriver);
  EXPECT_TRUE(Eventually([&] { return Taints() == others_; }));
  Taint();
  EXPECT_TRUE(Eventually([&] { return Taints() == others_; }));
  EXPECT_EQ(Asked("patch"), 2);
}

TEST_F(StartupTaintTest, AFailureIsTriedAgainAndLoggedIfItStays) {
  Register(kDriver);
  server_->Inject({.kind = ServerFault::Kind::kServerError, .verb = "patch nodes"}, 3);
  StartPlugin({"--startup-taint", kKey});
  EXPECT_TRUE(Eventually([&] { return Taints() == others_; }));
  const std::string log = ReadFile(dir_ / "plugin.log").value_or("");
  const auto warning = log.find("the startup taint stays on the node");
  ASSERT_NE(warning, std::string::npos) << log;
  EXPECT_EQ(log.find("the startup taint stays on the node", warning + 1), std::string::npos) << log;
  EXPECT_THAT(log.substr(warning), HasSubstr("etcd is away"));
}

TEST_F(StartupTaintTest, WithoutTheFlagNobodyLooksAtTheNode) {
  Register(kDriver);
  StartPlugin();
  ASSERT_TRUE(client().Publish(CallFor()).ok());
  EXPECT_EQ(Taints(), both_);
  EXPECT_EQ(Asked("watch /api/v1/nodes") + Asked("list /api/v1/nodes"), 0);
}

TEST_F(StartupTaintTest, WhatIsNoKeyIsRefused) {
  for (const char* const wrong : {"example.org/a:NoSchedule", "a=b", "a/b/c", "a b"}) {
    StartPlugin({"--startup-taint", wrong});
    EXPECT_EQ(plugin_->Wait(0), 2) << wrong;
    EXPECT_THAT(
        ReadFile(dir_ / "plugin.log").value_or(""),
        HasSubstr("--startup-taint " + std::string(wrong) + ": give the key of a taint alone"));
  }
}

}  // namespace
}  // namespace downwardfs::testing
