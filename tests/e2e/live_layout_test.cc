// SPDX-License-Identifier: Apache-2.0
// The live layout: files that change in place, so that a bind mount of one of them, as the kubelet
// makes for `subPath`, stays live.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/event_log.h"

namespace downwardfs::testing {
namespace {

class LiveLayoutTest : public PodMountTest {
 protected:
  std::vector<std::string> Live() const {
    return {"--pod-file", pod_, "--volume", "info", "--layout", "live"};
  }
  static std::string Labels(const std::string& value) { return "app=\"" + value + "\""; }
};

TEST_F(LiveLayoutTest, ABindMountOfOneFileFollowsEveryChange) {
  const Mounted mount(Live(), at_);
  ASSERT_TRUE(mount.ok());
  const std::string bound = dir_.Write("bound", "");
  ASSERT_EQ(::mount((mount / "labels").c_str(), bound.c_str(), nullptr, MS_BIND, nullptr), 0);
  {
    EventLog events(bound, IN_MODIFY);
    for (int i = 0; i < 100; ++i) {
      const std::string value =
          "a value of another length " + std::string(static_cast<std::size_t>(i), 'x');
      dir_.Replace("pod.yaml", PodYaml(value));
      ASSERT_THAT(events.UntilLast("MODIFY"), Contains("MODIFY")) << "change " << i;
      ASSERT_EQ(Slurp(bound), Labels(value));
    }
  }
  EXPECT_EQ(umount2(bound.c_str(), MNT_DETACH), 0);
}

TEST_F(LiveLayoutTest, ASlowReaderGetsOneVersionWhole) {
  const std::string first(500, 'a');
  dir_.Replace("pod.yaml", PodYaml(first));
  const Mounted mount(Live(), at_);
  ASSERT_TRUE(mount.ok());
  const OwnedFd slow(open((mount / "labels").c_str(), O_RDONLY | O_CLOEXEC));
  std::string seen;
  char byte = 0;
  for (int i = 0; read(slow.get(), &byte, 1) == 1; ++i) {
    seen += byte;
    if (i % 50 != 0) continue;
    const std::string value = "changed " + std::to_string(i);
    dir_.Replace("pod.yaml", PodYaml(value));
    ASSERT_TRUE(Eventually([&] { return Slurp(mount / "labels") == Labels(value); }));
  }
  EXPECT_EQ(seen, Labels(first));
}

// Linux 6.6 and later; before that it is ENODEV.
TEST_F(LiveLayoutTest, ASharedMappingFollowsTheChanges) {
  const Mounted mount(Live(), at_);
  ASSERT_TRUE(mount.ok());
  const OwnedFd file(open((mount / "labels").c_str(), O_RDONLY | O_CLOEXEC));
  void* const map = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0);
  if (map == MAP_FAILED) {
    EXPECT_EQ(errno, ENODEV);
    return;
  }
  const auto shown = [&] { return std::string(static_cast<const char*>(map)); };
  EXPECT_EQ(shown(), Labels("one"));
  dir_.Replace("pod.yaml", PodYaml("another"));
  EXPECT_TRUE(Eventually([&] { return shown() == Labels("another"); })) << shown();
  munmap(map, 4096);
}

}  // namespace
}  // namespace downwardfs::testing
