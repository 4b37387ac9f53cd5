// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/volume_place.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "mount-helper/unix_socket.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

constexpr char kRoot[] = "/var/lib/kubelet";
constexpr char kBelow[] = "/pods/0a-1/volumes/kubernetes.io~csi/info/mount";

TEST(VolumePlaceTest, AKubeletsTargetHasThePodAndTheVolume) {
  const auto target = ParseKubeletTarget(kRoot, std::string(kRoot) + kBelow);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->pod_uid, "0a-1");
  EXPECT_EQ(target->volume, "info");
  EXPECT_TRUE(ParseKubeletTarget("/var/lib/kubelet/", std::string(kRoot) + kBelow));
}

TEST(VolumePlaceTest, WhatIsNoTargetIsNone) {
  for (const char* path :
       {"/var/lib/kubelet", "/var/lib/kubelet/", "/var/lib/kubeletpods/u/volumes/x/y/mount",
        "/etc/pods/u/volumes/kubernetes.io~csi/v/mount",
        "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/v",
        "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/v/mount/",
        "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/v/mount/x",
        "/var/lib/kubelet/pods//volumes/kubernetes.io~csi/v/mount",
        "/var/lib/kubelet/pods/../volumes/kubernetes.io~csi/v/mount",
        "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/../mount",
        "/var/lib/kubelet/pods/u/volumes/kubernetes.io~secret/v/mount",
        "/var/lib/kubelet/plugins/u/volumes/kubernetes.io~csi/v/mount"}) {
    EXPECT_FALSE(ParseKubeletTarget(kRoot, path)) << path;
  }
}

class PlaceTest : public ::testing::Test {
 protected:
  PlaceTest() { std::filesystem::create_directories(root_ + above_); }
  const TempDir dir_;
  const std::string root_ = dir_.MakeDir("kubelet");
  const std::string above_ = "/pods/u/volumes/kubernetes.io~csi/v";
  const std::string target_ = root_ + above_ + "/mount";
};

TEST_F(PlaceTest, TheTargetIsMadeAndRemoved) {
  const auto place = VolumePlace::Open(root_, target_);
  ASSERT_TRUE(place) << place.error().message;
  ASSERT_TRUE(place->OpenTarget());
  EXPECT_TRUE(std::filesystem::is_directory(target_));
  EXPECT_TRUE(place->OpenTarget());
  EXPECT_EQ(*place->RealPath(), target_);
  EXPECT_TRUE(place->RemoveTarget());
  EXPECT_FALSE(std::filesystem::exists(target_));
  EXPECT_TRUE(place->RemoveTarget());
}

TEST_F(PlaceTest, WhatSomebodyHasPutThereIsNotRemoved) {
  std::filesystem::create_directory(target_);
  dir_.Write("kubelet" + above_ + "/mount/data", "precious");
  const auto place = VolumePlace::Open(root_, target_);
  ASSERT_TRUE(place);
  const auto removed = place->RemoveTarget();
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::exists(target_ + "/data"));
}

TEST_F(PlaceTest, NoSymlinkIsFollowedBelowTheRoot) {
  const std::string elsewhere = dir_.MakeDir("elsewhere");
  std::filesystem::create_directory_symlink(elsewhere, root_ + above_ + "/mount");
  const auto place = VolumePlace::Open(root_, target_);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->OpenTarget().error().code, ErrorCode::kInvalidArgument);

  std::filesystem::create_directories(elsewhere + "/volumes/kubernetes.io~csi/v");
  std::filesystem::create_directory_symlink(elsewhere, root_ + "/pods/linked");
  const auto through =
      VolumePlace::Open(root_, root_ + "/pods/linked/volumes/kubernetes.io~csi/v/mount");
  ASSERT_FALSE(through);
  EXPECT_THAT(through.error().message, HasSubstr("symlink"));
}

TEST_F(PlaceTest, TheRootItselfMayBeALink) {
  std::filesystem::create_directory_symlink(root_, dir_ / "link");
  const auto place = VolumePlace::Open(dir_ / "link", (dir_ / "link") + above_ + "/mount");
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(*place->RealPath(), target_);
}

TEST_F(PlaceTest, AMissingParentIsNotFound) {
  const auto place =
      VolumePlace::Open(root_, root_ + "/pods/other/volumes/kubernetes.io~csi/v/mount");
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().code, ErrorCode::kNotFound);
}

TEST_F(PlaceTest, AnOrphanIsAVolumeWhosePodDirectoryIsGone) {
  EXPECT_TRUE(PodDirectoryExists(root_, target_));
  EXPECT_FALSE(PodDirectoryExists(root_, root_ + "/pods/gone/volumes/kubernetes.io~csi/v/mount"));
  EXPECT_TRUE(PodDirectoryExists("", "/anywhere"));
  EXPECT_TRUE(PodDirectoryExists(dir_ / "no-such-root", target_));
}

TEST(UnixSocketTest, AnEndpointIsAnAbsolutePath) {
  EXPECT_EQ(*SocketPath("unix:///csi/csi.sock"), "/csi/csi.sock");
  EXPECT_EQ(*SocketPath("unix:/csi/csi.sock"), "/csi/csi.sock");
  EXPECT_EQ(*SocketPath("/csi/csi.sock"), "/csi/csi.sock");
  for (const std::string& wrong :
       {std::string("tcp://1.2.3.4:5"), std::string("csi.sock"), std::string("unix://csi.sock"),
        std::string(), "unix:///" + std::string(200, 'x')}) {
    const auto path = SocketPath(wrong);
    ASSERT_FALSE(path) << wrong;
    EXPECT_EQ(path.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(VolumePlaceTest, APathHasOneForm) {
  for (const char* path : {"/x/t", "//x///t//", "/x/t/"})
    EXPECT_EQ(PlainPath(path), "/x/t") << path;
  for (const char* root : {"/", "//"}) EXPECT_EQ(PlainPath(root), "/") << root;
  EXPECT_EQ(PlainPath(""), "");
}

TEST(UnixSocketTest, ASocketThatIsServedIsNobodyElses) {
  const TempDir dir;
  const std::string path = dir / "s.sock";
  auto served = ListenAt(path, SocketKind::kStream, std::nullopt);
  ASSERT_TRUE(served);
  for (const SocketKind kind : {SocketKind::kStream, SocketKind::kPackets}) {
    const auto second = ListenAt(path, kind, std::nullopt);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(second.error().message,
              path + ": another process serves it (is a plugin of this name running?)");
  }
  EXPECT_TRUE(ConnectTo(path, SocketKind::kStream));
  // A process that is ending gives it up.
  std::thread ending([&] { served->Reset(); });
  EXPECT_TRUE(ListenAt(path, SocketKind::kStream, std::nullopt, std::chrono::minutes(1)));
  ending.join();
}

TEST(UnixSocketTest, AStaleSocketIsReplacedAndAFileIsNot) {
  const TempDir dir;
  const std::string path = dir / "s.sock";
  { ASSERT_TRUE(ListenAt(path, SocketKind::kPackets, std::nullopt)); }
  EXPECT_EQ(ConnectTo(path, SocketKind::kPackets).error().code, ErrorCode::kUnavailable);
  const auto again = ListenAt(path, SocketKind::kPackets, std::nullopt);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_TRUE(ConnectTo(path, SocketKind::kPackets));
  const std::string file = dir.Write("file", "precious");
  EXPECT_EQ(ListenAt(file, SocketKind::kStream, std::nullopt).error().code,
            ErrorCode::kAlreadyExists);
}

}  // namespace
}  // namespace downwardfs::testing
