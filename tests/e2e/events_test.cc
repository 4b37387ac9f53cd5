// SPDX-License-Identifier: Apache-2.0
// The events that programs get when they watch a volume with inotify(7): the kubelet's sequence
// (kubernetes pkg/volume/util/atomic_writer.go).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/inotify.h>

#include <filesystem>

#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/event_log.h"

namespace downwardfs::testing {
namespace {

class EventsTest : public PodMountTest {
 protected:
  std::string DataDir() const { return std::filesystem::read_symlink(at_ + "/..data"); }
};

TEST_F(EventsTest, TheRootTellsTheKubeletsSequence) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  const std::string before = DataDir();
  EventLog events(at_, EventLog::Changes());
  dir_.Replace("pod.yaml", PodYaml("two"));
  const auto told = events.UntilLast("DELETE,ISDIR " + before);
  const std::string after = DataDir();
  EXPECT_THAT(told,
              ElementsAre("CREATE,ISDIR " + after, "ATTRIB,ISDIR " + after, "CREATE ..data_tmp",
                          "MOVED_FROM ..data_tmp", "MOVED_TO ..data", "DELETE,ISDIR " + before));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"two\"");
}

TEST_F(EventsTest, AFileTellsThatItWasReplaced) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EventLog events(mount / "labels", EventLog::Changes());
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_THAT(events.UntilLast("IGNORED"), ElementsAre("ATTRIB", "DELETE_SELF", "IGNORED"));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"two\"");
}

TEST_F(EventsTest, ADirectoryTellsThatItsFilesAndItselfWent) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "res/cpu"), "15");
  // Held, so that the kernel does not forget it: what it does not know is not unlinked.
  OwnedFd file(open((mount / "res/cpu").c_str(), O_RDONLY));
  EventLog events(mount / "res", EventLog::Changes());
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_THAT(events.UntilLast("DELETE cpu"), Contains("DELETE cpu"));
  file.Reset();
  EXPECT_THAT(events.UntilLast("IGNORED"), Contains("DELETE_SELF"));
}

TEST_F(EventsTest, WhoWatchesForDataAloneSeesEveryFinalState) {
  const Mounted mount({"--pod-file", pod_, "--volume", "info"}, at_);
  ASSERT_TRUE(mount.ok());
  EventLog events(at_, IN_MOVED_TO | IN_CREATE);
  for (int i = 0; i < 500; ++i) {
    const std::string label = "n" + std::to_string(i);
    dir_.Replace("pod.yaml", PodYaml(label));
    std::string seen;
    // Re-reads when it is told to, and at no other time.
    while (seen != "app=\"" + label + "\"") {
      const auto told = events.UntilLast("MOVED_TO ..data");
      ASSERT_THAT(told, Contains("MOVED_TO ..data")) << "after " << seen << " of " << label;
      seen = Slurp(mount / "labels");
    }
  }
}

class LiveEventsTest : public EventsTest {
 protected:
  std::vector<std::string> Live() const {
    return {"--pod-file", pod_, "--volume", "info", "--layout", "live"};
  }
};

TEST_F(LiveEventsTest, AFileAndTheDirectoryTellThatTheFileWasModified) {
  const Mounted mount(Live(), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"one\"");
  EventLog file(mount / "labels", EventLog::Changes());
  EventLog root(at_, EventLog::Changes());
  dir_.Replace("pod.yaml", PodYaml("two"));
  EXPECT_THAT(file.UntilLast("MODIFY"), ElementsAre("MODIFY"));
  EXPECT_THAT(root.UntilLast("MODIFY labels"), ElementsAre("MODIFY labels"));
  EXPECT_EQ(Slurp(mount / "labels"), "app=\"two\"");
}

// As of a file that is written in place, whatever its mode and owner (0440 and 0400 here).
TEST_F(LiveEventsTest, WritingEndsWithACloseWrite) {
  const Mounted mount(Live(), at_);
  ASSERT_TRUE(mount.ok());
  EventLog file(mount / "labels", IN_MODIFY | IN_CLOSE_WRITE);
  EventLog root(at_, IN_MODIFY | IN_CLOSE_WRITE);
  for (int i = 0; i < 20; ++i) {
    const std::string value = "of a length " + std::string(static_cast<std::size_t>(i), 'x');
    dir_.Replace("pod.yaml", PodYaml(value));
    EXPECT_THAT(file.UntilLast("CLOSE_WRITE"), ElementsAre("MODIFY", "CLOSE_WRITE"));
    EXPECT_THAT(root.UntilLast("CLOSE_WRITE labels"),
                ElementsAre("MODIFY labels", "CLOSE_WRITE labels"));
    ASSERT_EQ(Slurp(mount / "labels"), "app=\"" + value + "\"");
  }
}

TEST_F(LiveEventsTest, NamesThatComeAndGoTellIt) {
  const Mounted mount(Live(), at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(Slurp(mount / "name"), "web");
  EventLog root(at_, EventLog::Changes());
  std::string pod = PodYaml("one");
  const auto from = pod.find("          - {path: name");
  pod.replace(from, pod.find('\n', from) - from,
              "          - {path: new/uid, fieldRef: {fieldPath: metadata.uid}}");
  dir_.Replace("pod.yaml", pod);
  EXPECT_THAT(root.UntilLast("CREATE,ISDIR new"),
              AllOf(Contains("DELETE name"), Contains("CREATE,ISDIR new")));
  EXPECT_TRUE(Eventually([&] {
    return std::filesystem::exists(mount / "new/uid") && !std::filesystem::exists(mount / "name");
  }));
}

}  // namespace
}  // namespace downwardfs::testing
