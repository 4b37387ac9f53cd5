// SPDX-License-Identifier: Apache-2.0
// The remains of interrupted calls, other processes and unreadable records are neither in the way
// nor taken from a pod.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "base/owned_fd.h"
#include "mount-helper/fuse_mount.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

// The volume as a container has it that was started by now: a mount that is made later is
// not in it.
class Container {
 public:
  explicit Container(const std::string& target)
      : root_(open(target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  bool Shows(const std::string& file, const std::string& content) const {
    const std::string path = "/proc/self/fd/" + std::to_string(root_.get()) + "/" + file;
    return Eventually([&] { return ReadFile(path).value_or("") == content; });
  }

 private:
  const OwnedFd root_;
};

// One of our type that nobody serves.
void MountDead(const std::string& path) {
  std::filesystem::create_directory(path);
  FuseMountOptions options;
  options.mount_point = path;
  options.source = "downwardfs:default/web";
  ASSERT_TRUE(MountFuse(options));
}

TEST_F(CsiTest, UnpublishingItElsewhereLeavesAVolumeWhereItIs) {
  StartPlugin();
  const PublishCall call = Published();
  const Container container(call.target_path);
  EXPECT_TRUE(client().Unpublish(call.volume_id, Target("web", "second")).ok());
  Kill("downwardfs-csi");
  Label("two");
  EXPECT_TRUE(container.Shows("tick", "two"));
  EXPECT_TRUE(client().Publish(call).ok());
  EXPECT_TRUE(container.Shows("tick", "two"));
  EXPECT_EQ(MountsAt(call.target_path), 1);
}

TEST_F(CsiTest, AVolumeWhoseRecordCannotBeReadStaysMounted) {
  StartPlugin();
  const PublishCall call = Published();
  const PublishCall other = Published("web", "second");
  const Container container(call.target_path);
  dir_.Write("kubelet/plugins/csi.downwardfs.dev/state/" + call.volume_id + ".json",
             R"({"format":99})");
  Kill("downwardfs-csi");
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "not ready"; }));
  const Outcome probe = Downwardfs({"csi", "--probe", "--endpoint", "unix://" + socket_});
  EXPECT_THAT(probe.err, HasSubstr("records cannot be read"));
  EXPECT_TRUE(plugin_->Said("stays mounted, and is not served"));
  VolumeFigures figures;
  ASSERT_TRUE(client().Stats(call.volume_id, call.target_path, figures).ok());
  EXPECT_TRUE(figures.abnormal);
  // The others are served as ever.
  Label("two");
  EXPECT_TRUE(Shows(other.target_path, "tick", "two"));
  EXPECT_EQ(MountsAt(call.target_path), 1);
  // The kubelet says what it is, and it goes on.
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  EXPECT_TRUE(container.Shows("tick", "two"));
  EXPECT_EQ(MountsAt(call.target_path), 1);
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  Kill("downwardfs-csi");
  Label("three");
  EXPECT_TRUE(container.Shows("tick", "three"));
}

TEST_F(CsiTest, WhatAnInterruptedPublishHasLeftIsNotInTheWay) {
  StartPlugin();
  const PublishCall call = CallFor();
  MountDead(call.target_path);
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  EXPECT_EQ(MountsAt(call.target_path), 1);
  EXPECT_EQ(Slurp(call.target_path + "/tick"), "one");
}

TEST_F(CsiTest, ASecondPluginOfTheNameIsRefused) {
  StartPlugin();
  const PublishCall call = Published();
  const Container container(call.target_path);
  Background second(
      {"csi", "--node-id", "node1", "--server", server_->url(), "--kubelet-dir", kubelet_},
      dir_ / "second.log");
  EXPECT_TRUE(Eventually([&] { return second.Said("could not bind"); }));
  EXPECT_EQ(second.Wait(0), 1);
  EXPECT_TRUE(second.Said("csi.sock: another process serves it"));
  Label("two");
  EXPECT_TRUE(container.Shows("tick", "two"));
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
}

TEST_F(CsiTest, APluginThatWasKilledIsFollowedByAnotherAtOnce) {
  StartPlugin();
  const PublishCall call = CallFor();
  // A call may reach the daemon that is ending; the kubelet makes it again.
  CsiAnswer last;
  const auto published = [&] {
    last = client().Publish(call);
    return last.ok();
  };
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Eventually(published)) << last.message;
    StopPlugin(SIGKILL);
    StartPlugin();
  }
  ASSERT_TRUE(Eventually(published)) << last.message;
  EXPECT_EQ(MountsAt(call.target_path), 1);
  EXPECT_EQ(Slurp(call.target_path + "/tick"), "one");
}

TEST_F(CsiTest, WithoutAKubeletsDirectoryWhatIsNotOursIsLeftAlone) {
  const std::string socket = dir_ / "own.sock";
  StartWithoutKubelet(socket);
  const std::string empty = dir_.MakeDir("empty");
  EXPECT_TRUE(client().Unpublish("unknown", empty).ok());
  EXPECT_TRUE(std::filesystem::exists(empty));
  const std::string foreign = dir_ / "foreign";
  MountDead(foreign);
  EXPECT_EQ(client().Unpublish("unknown", foreign).code, csi_code::kFailedPrecondition);
  EXPECT_EQ(MountsAt(foreign), 1);
  EXPECT_TRUE(client().Unpublish("unknown", dir_ / "nowhere").ok());
  EXPECT_TRUE(std::filesystem::exists(socket + ".state"));

  // A slash more or less is the same place.
  PublishCall call = CallFor();
  call.target_path = dir_ / "target//";
  ASSERT_TRUE(client().Publish(call).ok());
  call.target_path = dir_ / "target";
  EXPECT_TRUE(client().Publish(call).ok());
  EXPECT_EQ(MountsAt(call.target_path), 1);
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path + "/").ok());
  EXPECT_FALSE(std::filesystem::exists(call.target_path));
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
}

TEST_F(CsiTest, AProbeNamesAHolderThatIsAway) {
  StartHolder();
  StartAttached();
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  holder_->Wait(SIGKILL);
  holder_.reset();
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "not ready"; }));
  const Outcome probe = Downwardfs({"csi", "--probe", "--endpoint", "unix://" + socket_});
  EXPECT_EQ(probe.exit_code, 1);
  EXPECT_THAT(probe.err, HasSubstr("not ready: the holder is away"));
  StartHolder();
  EXPECT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
}

TEST_F(CsiTest, AVolumeThatSomebodyUnmountedGoesWithItsPodsDirectory) {
  StartPlugin();
  const PublishCall call = Published();
  ASSERT_EQ(umount2(call.target_path.c_str(), MNT_DETACH), 0);
  std::filesystem::remove_all(kubelet_ + "/pods");
  EXPECT_TRUE(Eventually([&] { return std::filesystem::is_empty(plugin_dir_ + "/state"); }));
  VolumeFigures figures;
  EXPECT_TRUE(Eventually([&] {
    return client().Stats(call.volume_id, call.target_path, figures).code == csi_code::kNotFound;
  }));
}

TEST_F(CsiTest, TheLongestNameOfAPodIsMounted) {
  StartPlugin();
  const std::string name(253, 'n');
  Label("one", name);
  PublishCall call = CallFor(name);
  call.volume_id = "csi-long";
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  EXPECT_EQ(Slurp(call.target_path + "/name"), name);
}

TEST(LongNameTest, TheLongestNameOfAPodIsMountedByHandToo) {
  const TempDir dir;
  const std::string name(253, 'n');
  const std::string pod =
      dir.Write("pod.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata: {namespace: default, name: " + name + "}\n");
  const Mounted mounted({"--pod-file", pod, "--pod", "default/" + name}, dir.MakeDir("mnt"));
  EXPECT_TRUE(mounted.ok());
  EXPECT_TRUE(std::filesystem::exists(mounted / "labels"));
}

}  // namespace
}  // namespace downwardfs::testing
