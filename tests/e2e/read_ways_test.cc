// SPDX-License-Identifier: Apache-2.0
// Every way of reading (read_ways.h) ends right after each change, in both layouts, while others
// hold older opens and read through them at random moments; and what an open from before a change
// shows after it. The contract: docs/live-layout.md.
#include "tests/support/read_ways.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <thread>

#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"

namespace downwardfs::testing {
namespace {

class ReadWaysTest : public PodMountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::vector<std::string> Arguments() const {
    return {"--pod-file", pod_, "--volume", "info", "--layout", GetParam()};
  }
  bool live() const { return std::string(GetParam()) == "live"; }
  static std::string Labels(const std::string& value) { return "app=\"" + value + "\""; }
  static OwnedFd Open(const std::string& path) {
    return OwnedFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  static std::string Seen(const ReadWay& way, const OwnedFd& file, std::size_t size) {
    const auto bytes = way.read(file.get(), size);
    return bytes ? *bytes : std::string("fails: ") + strerrordesc_np(errno);
  }
  // Of one page or of three, and never of the length before.
  static std::string Value(int number) {
    const int length = 3 + number % 23 + (number % 5 == 0 ? 9000 : 0);
    return std::to_string(number) + "-" + std::string(static_cast<std::size_t>(length), 'x');
  }
};

// Opens the file, waits, and reads it in one way; so its open is often from before a change.
void ReadAtRandomMoments(const std::string& path, const ReadWay& way, unsigned seed,
                         std::atomic<int>& rounds, const std::atomic<bool>& stop) {
  std::minstd_rand random(seed);
  while (!stop) {
    const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20000));
    static_cast<void>(way.read(file.get(), 1));
    ++rounds;
  }
}

TEST_P(ReadWaysTest, EachEndsRightAfterEveryChange) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  const std::string path = mount / "labels";
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  std::vector<std::atomic<int>> rounds(ReadWays().size());
  for (std::size_t n = 0; n < rounds.size(); ++n) {
    readers.emplace_back([&, n] {
      ReadAtRandomMoments(path, ReadWays()[n], static_cast<unsigned>(n) + 1, rounds[n], stop);
    });
  }
  for (int i = 1; i <= 60 && !HasFailure(); ++i) {
    const std::string expected = Labels(Value(i));
    dir_.Replace("pod.yaml", PodYaml(Value(i)));
    for (const ReadWay& way : ReadWays()) {
      std::string seen;
      EXPECT_TRUE(Eventually([&] {
        seen = Seen(way, Open(path), expected.size());
        return seen == expected;
      })) << way.name
          << " after change " << i << ": " << seen.size() << " bytes of " << expected.size();
    }
    // Once every open from before has read, it must have stayed right.
    for (std::atomic<int>& done : rounds) {
      EXPECT_TRUE(Eventually([&, before = done.load()] { return done > before; }));
    }
    for (const ReadWay& way : ReadWays()) {
      EXPECT_EQ(Seen(way, Open(path), expected.size()), expected) << way.name << ", change " << i;
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// In the kubelet's layout the content of the open, in the live layout that of the moment of
// reading.
TEST_P(ReadWaysTest, AnOpenFromBeforeAChangeShowsOneOfBothWhole) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  for (int i = 1; i <= 20; ++i) {
    const std::string before = Slurp(mount / "labels");
    std::vector<OwnedFd> opens;
    for (std::size_t n = 0; n < ReadWays().size(); ++n) opens.push_back(Open(mount / "labels"));
    const std::string after = Labels(Value(i));
    dir_.Replace("pod.yaml", PodYaml(Value(i)));
    ASSERT_TRUE(Eventually([&] { return Slurp(mount / "labels") == after; }));
    for (std::size_t n = 0; n < ReadWays().size(); ++n) {
      const ReadWay& way = ReadWays()[n];
      const std::string& expected = live() ? after : before;
      std::string seen;
      EXPECT_TRUE(Eventually([&] {
        seen = Seen(way, opens[n], expected.size());
        return seen == expected;
      })) << way.name
          << " after change " << i << ": " << seen;
    }
  }
}

// A program that keeps its open and reads from the start each time (by pread(2), or in a child that
// has inherited it) would be stale for ever otherwise.
// (In the kubelet's layout it goes on to show its own version, as on any file that is replaced.)
TEST_P(ReadWaysTest, AnOpenThatIsKeptShowsEachChangeOfTheLiveLayout) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  std::vector<OwnedFd> opens;
  for (std::size_t n = 0; n < ReadWays().size(); ++n) opens.push_back(Open(mount / "labels"));
  for (int i = 1; i <= 20; ++i) {
    const std::string expected = Labels(live() ? Value(i) : "one");
    dir_.Replace("pod.yaml", PodYaml(Value(i)));
    ASSERT_TRUE(Eventually([&] { return Slurp(mount / "labels") == Labels(Value(i)); }));
    for (std::size_t n = 0; n < ReadWays().size(); ++n) {
      std::string seen;
      EXPECT_TRUE(Eventually([&] {
        seen = Seen(ReadWays()[n], opens[n], expected.size());
        return seen == expected;
      })) << ReadWays()[n].name
          << " after change " << i << ": " << seen;
    }
  }
}

// open(2), fstat(2), read(2) of that size, as many languages read a whole file: with a change
// between the first two it is not the old content cut at the new size.
TEST_P(ReadWaysTest, TheSizeOfAnOpenFromBeforeFitsWhatIsRead) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  for (int i = 1; i <= 20; ++i) {
    const std::string before = Slurp(mount / "labels");
    const OwnedFd file = Open(mount / "labels");
    const std::string after = Labels(Value(i));
    dir_.Replace("pod.yaml", PodYaml(Value(i)));
    ASSERT_TRUE(Eventually([&] { return Slurp(mount / "labels") == after; }));
    std::string seen;
    EXPECT_TRUE(Eventually([&] {
      struct stat st = {};
      EXPECT_EQ(fstat(file.get(), &st), 0);
      seen.resize(static_cast<std::size_t>(st.st_size));
      const ssize_t n = pread(file.get(), seen.data(), seen.size(), 0);
      seen.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
      return seen == (live() ? after : before);
    })) << "after change "
        << i << ": " << seen;
  }
}

// Not 129 copies of a short file.
TEST_P(ReadWaysTest, AShortFileIsReadOnceByABufferOfAnySize) {
  const Mounted mount(Arguments(), at_);
  ASSERT_TRUE(mount.ok());
  for (const ReadWay& way : ReadWays()) {
    EXPECT_EQ(Seen(way, Open(mount / "labels"), Labels("one").size()), Labels("one")) << way.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, ReadWaysTest, ::testing::Values("kubelet", "live"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace downwardfs::testing
