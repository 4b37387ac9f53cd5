// SPDX-License-Identifier: Apache-2.0
// Any of the processes may die; readers do not notice. Both sides gone: mounted anew.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "tests/csi/csi_fixture.h"
#include "tests/csi/volume_reader.h"

namespace downwardfs::testing {
namespace {

ino_t InodeOf(const std::string& path) {
  struct stat st = {};
  return stat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

TEST_F(CsiTest, ADaemonThatIsKilledIsFollowedByAnotherThatKnowsAll) {
  StartPlugin();
  const PublishCall call = Published();
  const ino_t csi = InodeOf(socket_);
  const ino_t registration = InodeOf(registration_);
  {
    const VolumeReader reader(call.target_path);
    for (int i = 0; i < 5; ++i) {
      const std::string value = "killed" + std::to_string(i);
      ASSERT_EQ(kill(Find("downwardfs-csi"), SIGKILL), 0);
      Label(value);
      EXPECT_TRUE(Shows(call.target_path, "tick", value));
    }
  }
  EXPECT_EQ(StatusField(call.target_path, "generation"), "6");
  EXPECT_EQ(StatusField(call.target_path, "deaths"), "5");
  // Removing the registration socket would deregister the driver.
  EXPECT_EQ(InodeOf(socket_), csi);
  EXPECT_EQ(InodeOf(registration_), registration);
  EXPECT_TRUE(client().Publish(call).ok());
  ExpectItEnds(call);
}

TEST_F(CsiTest, EitherSideMayBeReplacedByAnother) {
  StartHolder();
  StartAttached();
  const PublishCall call = CallFor();
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  const ino_t csi = InodeOf(socket_);
  {
    const VolumeReader reader(call.target_path);
    // The holder: its successor gets all back from the supervisor.
    holder_->Wait(SIGKILL);
    Label("without holder");
    EXPECT_TRUE(Shows(call.target_path, "tick", "without holder"));
    holder_.reset();
    StartHolder();
    PublishCall second = CallFor("web", "second");
    EXPECT_TRUE(Eventually([&] { return client().Publish(second).ok(); }));
    Label("new holder");
    EXPECT_TRUE(Shows(call.target_path, "tick", "new holder"));
    EXPECT_TRUE(client().Unpublish(second.volume_id, second.target_path).ok());
    // The daemon's side: the holder has all.
    const pid_t daemon = Find("downwardfs-csi");
    StopPlugin(SIGKILL);
    kill(daemon, SIGKILL);
    StartAttached();
    Label("new daemon");
    EXPECT_TRUE(Shows(call.target_path, "tick", "new daemon"));
    StopPlugin(SIGTERM);
    StartAttached();
    Label("rolled");
    EXPECT_TRUE(Shows(call.target_path, "tick", "rolled"));
  }
  EXPECT_EQ(InodeOf(socket_), csi);
  ExpectItEnds(call);
}

TEST_F(CsiTest, WithBothSidesGoneVolumesAreMountedAnewWhereTheyWere) {
  StartPlugin();
  const PublishCall call = Published();
  const PublishCall orphan = Published("web", "second");
  StopPlugin(SIGTERM);
  EXPECT_FALSE(ReadFile(call.target_path + "/tick"));
  Label("meanwhile");
  StartPlugin();
  EXPECT_TRUE(Shows(call.target_path, "tick", "meanwhile"));
  EXPECT_EQ(MountsAt(call.target_path), 1);
  const CsiAnswer again = client().Publish(call);
  EXPECT_TRUE(again.ok()) << again.message;
  ExpectItEnds(call);
}

TEST_F(CsiTest, AVolumeWhosePodDirectoryIsGoneIsForgotten) {
  StartPlugin();
  const PublishCall call = Published();
  StopPlugin(SIGTERM);
  ASSERT_EQ(RunProgram({"umount", "-l", call.target_path}).exit_code, 0);
  std::filesystem::remove_all(kubelet_ + "/pods");
  StartPlugin();
  EXPECT_TRUE(Eventually([&] { return std::filesystem::is_empty(plugin_dir_ + "/state"); }));
}

TEST_F(CsiTest, ADaemonThatIsStoppedBeforeItServesIsReplaced) {
  StartPlugin();
  const PublishCall call = Published();
  const pid_t before = Kill("downwardfs-csi");
  pid_t next = 0;
  // It takes longer to start than to be found.
  while ((next = Find("downwardfs-csi")) == 0 || next == before) {
  }
  ASSERT_EQ(kill(next, SIGSTOP), 0);
  EXPECT_TRUE(Eventually([&] { return Find("downwardfs-csi") != next; }, std::chrono::seconds(60)));
  Label("next");
  EXPECT_TRUE(Shows(call.target_path, "tick", "next"));
}

TEST_F(CsiTest, ADaemonThatServesBeforeTheServerIsBackLosesNothing) {
  StartPlugin();
  const PublishCall call = Published();
  server_->Stop();
  ASSERT_EQ(kill(Find("downwardfs-csi"), SIGKILL), 0);
  EXPECT_TRUE(Eventually([&] { return StatusField(call.target_path, "generation") == "2"; }));
  EXPECT_EQ(Slurp(call.target_path + "/tick"), "one");
  VolumeFigures figures;
  EXPECT_TRUE(Eventually([&] {
    return client().Stats(call.volume_id, call.target_path, figures).ok() && figures.abnormal;
  }));
  EXPECT_THAT(figures.condition, ::testing::HasSubstr("not followed yet"));
  server_->Start();
  Label("back");
  EXPECT_TRUE(Shows(call.target_path, "tick", "back"));
}

TEST_F(CsiTest, OnlyTheClientMayConnectToTheHolder) {
  StartHolder();
  const std::string socket = plugin_dir_ + "/holder.sock";
  EXPECT_TRUE(Eventually([&] {
    return RunProgram({HOLDER_BINARY, "--probe", socket}).exit_code == 0;
  }));
  RunOptions nobody;
  nobody.uid = 65534;
  EXPECT_NE(RunProgram({HOLDER_BINARY, "--probe", socket}, nobody).exit_code, 0);
}

}  // namespace
}  // namespace downwardfs::testing
