// SPDX-License-Identifier: Apache-2.0
// Both sides of the plugin were gone: the containers that still have the dead mounts are named, and
// the kubelet's bind mounts of single files are cleared away.
#include <sys/mount.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/csi/csi_fixture.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs::testing {
namespace {

class CsiBothGoneTest : public CsiTest {
 protected:
  // The pod as its kubelet reports it: its container runs since that time.
  void RunsSince(const std::string& started) {
    server_->PutObject(
        "pods", "default", "web",
        {.spec = R"("serviceAccountName":"reader",)"
                 R"("containers":[{"name":"main","volumeMounts":[{"name":"ours"}]}],)"
                 R"("volumes":[{"name":"ours","csi":{"driver":"csi.downwardfs.dev"}}])",
         .more =
             R"("status":{"containerStatuses":[{"name":"main","state":{"running":{"startedAt":")" +
             started + R"("}}}]})"},
        "one");
  }
  Outcome Probe() const {
    return Downwardfs({"csi", "--probe", "--endpoint", "unix://" + socket_});
  }
  // A bind mount of a file of the volume, as the kubelet makes it for a subPath.
  std::string Bind(const std::string& file, const std::string& container) const {
    const auto folder = std::filesystem::path(kubelet_) / "pods" / UidOf("web") /
                        "volume-subpaths/ours" / container;
    std::filesystem::create_directories(folder);
    const std::string place = folder / "0";
    std::ofstream(place).flush();
    EXPECT_EQ(mount(file.c_str(), place.c_str(), nullptr, MS_BIND, nullptr), 0) << errno;
    return place;
  }
};

TEST_F(CsiBothGoneTest, ContainersWithADeadMountAreNamedUntilTheyHaveStartedAgain) {
  RunsSince("2020-01-01T00:00:00Z");
  StartPlugin();
  const PublishCall call = Published();
  EXPECT_EQ(Probe().exit_code, 0) << Probe().err;
  StopPlugin(SIGTERM);
  StartPlugin();
  EXPECT_TRUE(Shows(call.target_path, "tick", "one"));
  const auto said = [&] { return Probe().err; };
  EXPECT_TRUE(Eventually([&] { return said().find("default/web") != std::string::npos; }))
      << said();
  EXPECT_EQ(Probe().exit_code, 1);
  EXPECT_EQ(Downwardfs({"csi", "--probe", "--live", "--endpoint", "unix://" + socket_}).exit_code,
            0);
  VolumeFigures figures;
  ASSERT_TRUE(client().Stats(call.volume_id, call.target_path, figures).ok());
  EXPECT_TRUE(figures.abnormal);
  EXPECT_THAT(figures.condition, HasSubstr("dead in running containers (main)"));
  EXPECT_THAT(StatusField(call.target_path, "lastError"), HasSubstr("(main)"));

  // The next daemon knows it too.
  ASSERT_EQ(kill(Find("downwardfs-csi"), SIGKILL), 0);
  EXPECT_TRUE(Eventually([&] { return StatusField(call.target_path, "generation") == "2"; }));
  EXPECT_TRUE(Eventually([&] { return said().find("default/web") != std::string::npos; }))
      << said();

  RunsSince("2099-01-01T00:00:00Z");
  EXPECT_TRUE(Eventually([&] { return Probe().exit_code == 0; })) << said();
  EXPECT_THAT(StatusField(call.target_path, "lastError"), Not(HasSubstr("(main)")));
}

TEST_F(CsiBothGoneTest, DeadBindMountsOfItsFilesAreDetachedAndNoOthers) {
  StartPlugin();
  const PublishCall call = Published();
  const PublishCall second = Published("web", "second");
  const std::string dead = Bind(call.target_path + "/tick", "main");
  Bind(call.target_path + "/name", "main");  // on top of it
  const std::string other = Bind("/proc/self/status", "side");
  ASSERT_EQ(MountsAt(dead), 2);
  StopPlugin(SIGTERM);
  EXPECT_FALSE(std::ifstream(dead).good());
  StartPlugin();
  EXPECT_TRUE(Shows(call.target_path, "tick", "one"));
  EXPECT_EQ(MountsAt(dead), 0);
  EXPECT_EQ(MountsAt(other), 1);

  // One of the volume that is served stays, whatever happens to the daemon or is published again.
  const std::string alive = Bind(call.target_path + "/tick", "main");
  ASSERT_TRUE(client().Publish(call).ok());
  ASSERT_EQ(kill(Find("downwardfs-csi"), SIGKILL), 0);
  EXPECT_TRUE(Eventually([&] { return StatusField(call.target_path, "generation") == "2"; }));
  EXPECT_EQ(MountsAt(alive), 1);
  EXPECT_TRUE(std::ifstream(alive).good());
}

}  // namespace
}  // namespace downwardfs::testing
