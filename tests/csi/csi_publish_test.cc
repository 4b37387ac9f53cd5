// SPDX-License-Identifier: Apache-2.0
// Publishing and unpublishing, over and over, as the CSI specification says.
#include <sys/mount.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "mount-helper/mount_table.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

TEST_F(CsiTest, SaysWhoItIs) {
  StartPlugin();
  EXPECT_THAT(client().PluginInfo(), HasSubstr("csi.downwardfs.dev 0."));
  EXPECT_EQ(client().InodeId(), "node1");
  // GET_VOLUME_STATS, VOLUME_CONDITION, VOLUME_MOUNT_GROUP
  EXPECT_THAT(client().Capabilities(), ElementsAre(2, 4, 6));
  EXPECT_EQ(client().Stage().code, csi_code::kUnimplemented);
  EXPECT_EQ(RegistrationInfo(registration_), "CSIPlugin csi.downwardfs.dev " + socket_ + " 1.0.0");
  EXPECT_TRUE(SayRegistered(registration_, false, "no such version").ok());
  EXPECT_TRUE(plugin_->Said("no such version"));
}

TEST_F(CsiTest, APublishedVolumeFollowsItsPodAndGoesWithoutATrace) {
  StartPlugin();
  const PublishCall call = CallFor();
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  EXPECT_EQ(Slurp(call.target_path + "/tick"), "one");
  EXPECT_EQ(Slurp(call.target_path + "/name"), "web");
  auto table = ReadFile("/proc/self/mountinfo");
  for (const MountEntry& mount : ParseMountInfo(*table)) {
    if (mount.mount_point != call.target_path) continue;
    EXPECT_THAT(mount.options, HasSubstr("ro,nosuid,nodev,noexec"));
    EXPECT_EQ(mount.source, "downwardfs:default/web");
  }
  Label("two");
  EXPECT_TRUE(Shows(call.target_path, "tick", "two"));
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
  EXPECT_FALSE(std::filesystem::exists(call.target_path));
  EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(call.target_path).parent_path()));
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
  EXPECT_TRUE(std::filesystem::is_empty(plugin_dir_ + "/state"));
}

TEST_F(CsiTest, RepublishingLeavesOneMountAndAppliesWhatHasChanged) {
  StartPlugin();
  PublishCall call = CallFor();
  ASSERT_TRUE(client().Publish(call).ok());
  for (int i = 0; i < 300; ++i) {
    call.mount_group = std::to_string(1000 + i);
    call.context["csi.storage.k8s.io/serviceAccount.tokens"] =
        "{\"token\": \"" + std::to_string(i) + "\"}";
    call.mount_flags = {i % 2 == 0 ? "ro" : "noatime"};
    const CsiAnswer answer = client().Publish(call);
    ASSERT_TRUE(answer.ok()) << answer.message;
  }
  EXPECT_EQ(MountsAt(call.target_path), 1);
  // The group of the last one, with the modes that the kubelet gives (SetVolumeOwnership).
  EXPECT_TRUE(Eventually([&] {
    struct stat st = {};
    return stat((call.target_path + "/tick").c_str(), &st) == 0 && st.st_gid == 1299 &&
           (st.st_mode & 07777) == 0644;
  }));
  call.context["items"] = "- {path: other, fieldRef: {fieldPath: metadata.namespace}}";
  ASSERT_TRUE(client().Publish(call).ok());
  EXPECT_TRUE(Shows(call.target_path, "other", "default"));
  EXPECT_EQ(MountsAt(call.target_path), 1);
  call.context["layout"] = "live";
  EXPECT_EQ(client().Publish(call).code, csi_code::kAlreadyExists);
}

TEST_F(CsiTest, ManyCallsAtOnceForOneVolumeMakeOneMount) {
  StartPlugin();
  const PublishCall call = CallFor();
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      CsiClient own(socket_);
      for (int round = 0; round < 10; ++round) {
        const CsiAnswer answer = own.Publish(call);
        EXPECT_TRUE(answer.ok()) << answer.message;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(MountsAt(call.target_path), 1);
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
  EXPECT_EQ(MountsAt(call.target_path), 0);
}

TEST_F(CsiTest, TwentyPodsShareOneWatch) {
  StartPlugin();
  for (int i = 0; i < 20; ++i) {
    const std::string pod = "pod" + std::to_string(i);
    Label("one", pod);
    const CsiAnswer answer = client().Publish(CallFor(pod));
    ASSERT_TRUE(answer.ok()) << answer.message;
  }
  Label("two", "pod7");
  EXPECT_TRUE(Shows(Target("pod7"), "tick", "two"));
  EXPECT_EQ(Slurp(Target("pod8") + "/tick"), "one");
  int watches = 0;
  for (const std::string& request : server_->Requests()) {
    EXPECT_THAT(request, Not(HasSubstr("list /api/v1/pods")));
    if (request.rfind("watch /api/v1/pods?", 0) != 0) continue;
    if (request.find("sendInitialEvents") == std::string::npos) continue;  // goes on with that one
    ++watches;
    EXPECT_THAT(request, HasSubstr("fieldSelector=spec.nodeName=node1"));
  }
  EXPECT_EQ(watches, 1);
}

TEST_F(CsiTest, StatsTellTheTruth) {
  StartPlugin();
  const PublishCall call = CallFor();
  VolumeFigures figures;
  EXPECT_EQ(client().Stats(call.volume_id, call.target_path, figures).code, csi_code::kNotFound);
  ASSERT_TRUE(client().Publish(call).ok());
  EXPECT_EQ(Slurp(call.target_path + "/name"), "web");
  ASSERT_TRUE(client().Stats(call.volume_id, call.target_path, figures).ok());
  EXPECT_EQ(figures.used_inodes, 2);
  EXPECT_FALSE(figures.abnormal) << figures.condition;
  // Any other path is refused, as a conformance suite asks.
  for (const char* elsewhere : {"/elsewhere", "some/path", "/a/../b", "."}) {
    EXPECT_EQ(client().Stats(call.volume_id, elsewhere, figures).code, csi_code::kNotFound);
    EXPECT_EQ(client().Stats("unknown", elsewhere, figures).code, csi_code::kNotFound);
  }
  EXPECT_TRUE(client().Stats(call.volume_id, call.target_path + "/", figures).ok());
  EXPECT_EQ(client().Stats("", call.target_path, figures).code, csi_code::kInvalidArgument);
  EXPECT_EQ(client().Stats(call.volume_id, "", figures).code, csi_code::kInvalidArgument);

  ASSERT_EQ(umount2(call.target_path.c_str(), MNT_DETACH), 0);
  EXPECT_TRUE(Eventually([&] {
    client().Stats(call.volume_id, call.target_path, figures);
    return figures.abnormal;
  }));
  EXPECT_THAT(figures.condition, HasSubstr("the mount is gone"));
  // The kubelet asks again, and the pod gets a new one.
  ASSERT_TRUE(client().Publish(call).ok());
  EXPECT_EQ(Slurp(call.target_path + "/tick"), "one");
  EXPECT_EQ(MountsAt(call.target_path), 1);
}

TEST_F(CsiTest, ADaemonWithoutASupervisorServesToTheEndAndThenEnds) {
  StartPlugin();
  const PublishCall call = Published();
  const pid_t daemon = Find("downwardfs-csi");
  StopPlugin(SIGKILL);
  EXPECT_TRUE(Eventually([&] {
    return Slurp(dir_ / "plugin.log").find("until nobody uses it") != std::string::npos;
  }));
  Label("still");
  EXPECT_TRUE(Shows(call.target_path, "tick", "still"));
  ASSERT_EQ(umount2(call.target_path.c_str(), MNT_DETACH), 0);
  EXPECT_TRUE(Eventually([&] { return kill(daemon, 0) != 0; }));
}

TEST_F(CsiTest, TheLiveLayoutAndTheFullView) {
  StartPlugin();
  PublishCall call = CallFor();
  call.context["layout"] = "live";
  ASSERT_TRUE(client().Publish(call).ok());
  EXPECT_TRUE(std::filesystem::is_regular_file(
      std::filesystem::symlink_status(call.target_path + "/tick")));
  PublishCall full = CallFor("web", "second");
  full.context.erase("items");
  const CsiAnswer answer = client().Publish(full);
  ASSERT_TRUE(answer.ok()) << answer.message;
  EXPECT_TRUE(std::filesystem::exists(full.target_path + "/labels"));
  Label("two");
  EXPECT_TRUE(Shows(call.target_path, "tick", "two"));
}

// As a conformance suite calls it: target_paths of its own, nothing staged.
TEST_F(CsiTest, WithoutAKubeletsDirectoryAnyPlaceWillDo) {
  const std::string socket = dir_ / "own.sock";
  StartWithoutKubelet(socket);
  PublishCall call = CallFor();
  call.target_path = dir_.MakeDir("sanity") + "/target";
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  EXPECT_EQ(Slurp(call.target_path + "/tick"), "one");
  EXPECT_TRUE(client().Publish(call).ok());
  VolumeFigures figures;
  EXPECT_TRUE(client().Stats(call.volume_id, call.target_path, figures).ok());
  EXPECT_EQ(client().Stats("unknown", call.target_path, figures).code, csi_code::kNotFound);
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
  EXPECT_FALSE(std::filesystem::exists(call.target_path));
  EXPECT_TRUE(client().Unpublish("unknown", call.target_path).ok());
  call.target_path = dir_ / "sanity/missing/target";
  EXPECT_EQ(client().Publish(call).code, csi_code::kFailedPrecondition);
}

TEST_F(CsiTest, AProbeSaysWhetherTheServerIsFollowed) {
  const std::string endpoint = "unix://" + socket_;
  EXPECT_EQ(Downwardfs({"csi", "--probe", "--endpoint", endpoint}).exit_code, 1);
  StartPlugin();
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  EXPECT_EQ(Downwardfs({"csi", "--probe", "--endpoint", endpoint}).exit_code, 0);
  server_->Stop();
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "not ready"; }));
  const Outcome outcome = Downwardfs({"csi", "--probe", "--endpoint", endpoint});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("not ready: the node's pods are not followed: "));
  EXPECT_EQ(Downwardfs({"csi", "--probe", "--live", "--endpoint", endpoint}).exit_code, 0);
  server_->Start();
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
}

}  // namespace
}  // namespace downwardfs::testing
