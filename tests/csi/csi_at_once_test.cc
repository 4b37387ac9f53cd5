// SPDX-License-Identifier: Apache-2.0
// Many calls at once, and the end of the plugin.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

class CsiAtOnceTest : public CsiTest {};

TEST_F(CsiAtOnceTest, APodHasNoMoreVolumesThanItMayAlsoIfAllArePublishedAtOnce) {
  constexpr int kVolumes = 80;
  constexpr int kMost = 64;
  std::string spec = R"("serviceAccountName":"reader","containers":[{"name":"main"}],"volumes":[)";
  for (int i = 0; i < kVolumes; ++i) {
    spec += (i == 0 ? "" : ",") + (R"({"name":"v)" + std::to_string(i)) +
            R"(","csi":{"driver":"csi.downwardfs.dev"}})";
  }
  server_->PutObject("pods", "default", "many", {.spec = spec + "]"}, "one");
  StartPlugin();
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  std::vector<PublishCall> calls;
  for (int i = 0; i < kVolumes; ++i) calls.push_back(CallFor("many", "v" + std::to_string(i)));
  std::atomic<int> published{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> callers;
  for (const PublishCall& call : calls) {
    callers.emplace_back([&] {
      const int code = CsiClient(socket_).Publish(call).code;
      if (code == csi_code::kOk) ++published;
      if (code == csi_code::kResourceExhausted) ++refused;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(published, kMost);
  EXPECT_EQ(refused, kVolumes - kMost);
  for (const PublishCall& call : calls) {
    EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
  }
  // None of them is counted any more.
  EXPECT_TRUE(client().Publish(calls.back()).ok());
  EXPECT_TRUE(client().Unpublish(calls.back().volume_id, calls.back().target_path).ok());
}

TEST_F(CsiAtOnceTest, TheLastProcessThatEndsRemovesTheSockets) {
  const std::string holder_socket = plugin_dir_ + "/holder.sock";
  StartHolder();
  StartAttached();
  ASSERT_TRUE(IsUp());
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  ASSERT_TRUE(std::filesystem::exists(registration_));
  // The holder keeps them for the next supervisor.
  StopPlugin();
  EXPECT_TRUE(std::filesystem::exists(socket_));
  EXPECT_TRUE(std::filesystem::exists(registration_));
  EXPECT_EQ(holder_->Wait(15), 0);
  holder_.reset();
  for (const std::string& path : {socket_, registration_, holder_socket}) {
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
}

TEST_F(CsiAtOnceTest, OneCommandThatEndsRemovesItsSockets) {
  StartPlugin();
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  StopPlugin();
  EXPECT_FALSE(std::filesystem::exists(socket_));
  EXPECT_FALSE(std::filesystem::exists(registration_));
}

}  // namespace
}  // namespace downwardfs::testing
