// SPDX-License-Identifier: Apache-2.0
// A mount while its pod file changes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

// `text` with the first `from` in it replaced.
std::string With(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

class LiveTest : public PodMountTest {
 protected:
  bool Shows(const std::string& file, const std::string& content) const {
    return Eventually([&] { return Slurp(at_ + "/" + file) == content; });
  }
};

TEST_F(LiveTest, ASavedChangeShowsHoweverItIsSaved) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  dir_.Replace("pod.yaml", PodYaml("renamed over"));
  EXPECT_TRUE(Shows("labels", "app=\"renamed over\""));
  dir_.Write("pod.yaml", PodYaml("in place"));
  EXPECT_TRUE(Shows("labels", "app=\"in place\""));
  EXPECT_EQ(RunProgram({"sed", "-i", "s/in place/by sed/", pod_}).exit_code, 0);
  EXPECT_TRUE(Shows("labels", "app=\"by sed\""));
}

TEST_F(LiveTest, AnOpenFileKeepsItsBytesAndNewOpensSeeTheNewOnes) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  const OwnedFd file(open((mount / "labels").c_str(), O_RDONLY));
  const OwnedFd directory(open((mount / "..data").c_str(), O_RDONLY | O_DIRECTORY));
  dir_.Replace("pod.yaml", PodYaml("two"));
  ASSERT_TRUE(Shows("labels", "app=\"two\""));
  char bytes[64];
  EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(pread(file.get(), bytes, 64, 0))),
            "app=\"one\"");
  // A held directory pins its version, for names never looked up before as well.
  const OwnedFd late(openat(directory.get(), "res/cpu", O_RDONLY));
  ASSERT_TRUE(late);
  EXPECT_EQ(read(late.get(), bytes, 64), 2);
  const OwnedFd old(openat(directory.get(), "labels", O_RDONLY));
  EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(read(old.get(), bytes, 64))),
            "app=\"one\"");
}

TEST_F(LiveTest, AnUpdateThatChangesNoByteKeepsTheDataDirectory) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  const auto before = std::filesystem::read_symlink(mount / "..data");
  // An annotation, which no item names.
  const std::string pod = With(PodYaml("one"), "say \"hi\"", "changed!");
  dir_.Replace("pod.yaml", With(pod, "\"41\"", "\"42\""));
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("resourceVersion") == "\"42\""; }));
  EXPECT_EQ(std::filesystem::read_symlink(mount / "..data"), before);
  EXPECT_EQ(mount.StatusField("flips"), "0");
}

TEST_F(LiveTest, ABrokenFileKeepsTheLastContentAndShowsInStatus) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info", "--log-file", dir_ / "log"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(mount.StatusField("connected"), "true");
  EXPECT_EQ(mount.StatusField("lastError"), "\"\"");
  dir_.Replace("pod.yaml", "kind: [");
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("connected") == "false"; }));
  EXPECT_THAT(mount.StatusField("lastError"), HasSubstr("pod.yaml"));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  const std::string log = Slurp(dir_ / "log");
  EXPECT_THAT(log, HasSubstr("pod.yaml"));
  dir_.Replace("pod.yaml", PodYaml("mended"));
  EXPECT_TRUE(Shows("labels", "app=\"mended\""));
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("connected") == "true"; }));
  EXPECT_EQ(mount.StatusField("lastError"), "\"\"");
}

TEST_F(LiveTest, AnItemThatBecameInvalidKeepsTheLastContent) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  dir_.Replace("pod.yaml", With(PodYaml("two"), "containerName: main", "containerName: gone"));
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("lastError") != "\"\""; }));
  EXPECT_THAT(mount.StatusField("lastError"), HasSubstr("gone"));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
}

TEST_F(LiveTest, ItemsOfTheVolumeComeAndGo) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "name"), "web");
  std::string pod = PodYaml("one");
  const auto from = pod.find("          - {path: name");
  pod.replace(from, pod.find('\n', from) - from,
              "          - {path: uid, fieldRef: {fieldPath: metadata.uid}}");
  dir_.Replace("pod.yaml", pod);
  EXPECT_TRUE(Eventually([&] { return access((mount / "name").c_str(), F_OK) != 0; }));
  // The link comes after `..data` has moved, as the kubelet makes it.
  EXPECT_TRUE(Eventually([&] { return access((mount / "uid").c_str(), F_OK) == 0; }));
  EXPECT_EQ(Slurp(mount / "uid"), "11111111-2222-3333-4444-555555555555");
}

TEST_F(LiveTest, ADeletedPodKeepsItsLastContent) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  dir_.Replace("pod.yaml", With(PodYaml("other"), "name: web", "name: api"));
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("podDeleted") == "true"; }));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
}

TEST_F(LiveTest, TheNodesOwnChangesShow) {
  const std::string node = dir_.Write(
      "node.yaml", "{apiVersion: v1, kind: Node, metadata: {name: node1, labels: {zone: a}}}");
  const std::string items =
      dir_.Write("items.yaml",
                 "items: [{path: zone, fieldRef: {fieldPath: \"node.metadata.labels['zone']\"}}]");
  const Mounted mount({"--pod-file", pod_, "--node-file", node, "--items", items}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "zone"), "a");
  dir_.Replace("node.yaml",
               "{apiVersion: v1, kind: Node, metadata: {name: node1, labels: {zone: b}}}");
  EXPECT_TRUE(Shows("zone", "b"));
}

}  // namespace
}  // namespace downwardfs::testing
