// SPDX-License-Identifier: Apache-2.0
// The events of a mount, beside those of a plain directory that `downwardfs write` keeps and of a
// plain file that is written in place; and that what an event says is so when it comes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <thread>

#include "base/owned_fd.h"
#include "tests/e2e/mount_fixture.h"
#include "tests/support/background.h"
#include "tests/support/event_log.h"

namespace downwardfs::testing {
namespace {

namespace fs = std::filesystem;

class WatchSequenceTest : public PodMountTest {
 protected:
  std::vector<std::string> Kubelet() const { return {"--pod-file", pod_, "--volume", "info"}; }
  static std::string DataDir(const std::string& root) { return fs::read_symlink(root + "/..data"); }
  static bool Gone(const std::string& path) {
    struct stat st = {};
    return stat(path.c_str(), &st) != 0 && errno == ENOENT;
  }
  static bool Listed(const std::string& root, const std::string& name) {
    for (const auto& entry : fs::directory_iterator(root)) {
      if (entry.path().filename() == name) return true;
    }
    return false;
  }
  // One change, as who watches `below` in `root` hears of it; names by their role.
  std::vector<std::string> OneChange(const std::string& root, const std::string& below,
                                     const std::string& last) {
    const std::string before = DataDir(root);
    EventLog events(below.empty() ? root : root + "/" + below, EventLog::Changes());
    value_ = "change " + std::to_string(++changes_);
    dir_.Replace("pod.yaml", PodYaml(value_));
    const bool of_dir = last == "DELETE,ISDIR";
    auto told = events.UntilLast(of_dir ? last + " " + before : last);
    const std::string after = DataDir(root);
    for (std::string& event : told) {
      for (const auto& [name, role] : {std::pair(before, "OLD"), std::pair(after, "NEW")}) {
        if (const auto at = event.find(name); at != std::string::npos) {
          event.replace(at, name.size(), role);
        }
      }
    }
    return told;
  }
  // The last change is over there too.
  bool Settled(const std::string& root) const {
    return Eventually([&] {
      int directories = 0;
      for (const auto& entry : fs::directory_iterator(root)) {
        directories += !entry.is_symlink() && entry.is_directory() ? 1 : 0;
      }
      return directories == 1 && Slurp(root + "/labels") == "app=\"" + value_ + "\"";
    });
  }

  std::string value_ = "one";
  int changes_ = 0;
};

TEST_F(WatchSequenceTest, TheRootAndAFileTellWhatThePlainDirectoryTells) {
  const Mounted mount(Kubelet(), at_);
  ASSERT_TRUE(mount.ok());
  const std::string plain = dir_.MakeDir("plain");
  const Background write({"write", "--pod-file", pod_, "--volume", "info", "--to", plain},
                         dir_ / "errors");
  ASSERT_TRUE(Eventually([&] { return fs::exists(plain + "/labels"); }));
  const auto told = [&](const std::string& root, const std::string& below,
                        const std::string& last) {
    EXPECT_TRUE(Settled(at_) && Settled(plain));
    const std::string mounted_before = at_ + "/" + DataDir(at_);
    const std::string plain_before = plain + "/" + DataDir(plain);
    auto events = OneChange(root, below, last);
    EXPECT_TRUE(Eventually([&] { return Gone(mounted_before) && Gone(plain_before); }));
    return events;
  };
  for (int round = 0; round < 5; ++round) {
    const auto root = told(at_, "", "DELETE,ISDIR");
    EXPECT_EQ(root, told(plain, "", "DELETE,ISDIR"));
    const auto file = told(at_, "labels", "IGNORED");
    EXPECT_EQ(file, told(plain, "labels", "IGNORED"));
  }
}

// Those who gather events until it is quiet act once.
TEST_F(WatchSequenceTest, AChangeIsOneBurst) {
  const Mounted mount(Kubelet(), at_);
  ASSERT_TRUE(mount.ok());
  const OwnedFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ASSERT_GE(inotify_add_watch(watch.get(), at_.c_str(), EventLog::Changes()), 0);
  for (int i = 0; i < 5; ++i) {
    dir_.Replace("pod.yaml", PodYaml("burst " + std::to_string(i)));
    pollfd event = {watch.get(), POLLIN, 0};
    ASSERT_EQ(poll(&event, 1, 20000), 1);
    bool removed = false;
    alignas(inotify_event) char buffer[16384];
    // One that is overlooked goes 2 s later.
    while (poll(&event, 1, 1500) == 1) {
      const ssize_t n = read(watch.get(), buffer, sizeof buffer);
      for (ssize_t at = 0; at < n;) {
        const auto* told = reinterpret_cast<const inotify_event*>(buffer + at);
        removed = removed || told->mask == (IN_DELETE | IN_ISDIR);
        at += static_cast<ssize_t>(sizeof *told + told->len);
      }
    }
    EXPECT_TRUE(removed) << "the old directory went in a burst of its own";
  }
}

// So do changes that follow each other quickly: who watches a data directory, by its own path,
// hears of its end within that burst, and not when it was stale for seconds.
TEST_F(WatchSequenceTest, QuickChangesAreOneBurst) {
  const Mounted mount(Kubelet(), at_);
  ASSERT_TRUE(mount.ok());
  std::set<std::string> old = {DataDir(at_)};
  EventLog root(at_, IN_MOVED_TO | IN_DELETE);
  for (int i = 0; i < 4; ++i) {
    value_ = "quick " + std::to_string(i);
    dir_.Replace("pod.yaml", PodYaml(value_));
    EXPECT_THAT(root.UntilLast("MOVED_TO ..data"), Contains("MOVED_TO ..data"));
    old.insert(DataDir(at_));
  }
  old.erase(DataDir(at_));
  const OwnedFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ASSERT_GE(inotify_add_watch(watch.get(), at_.c_str(), IN_DELETE), 0);
  alignas(inotify_event) char buffer[16384];
  pollfd event = {watch.get(), POLLIN, 0};
  // All are gone before it is quiet for a second.
  while (poll(&event, 1, 1000) == 1 && read(watch.get(), buffer, sizeof buffer) > 0) {
  }
  for (const std::string& name : old) EXPECT_TRUE(Gone(mount / name)) << name;
  EXPECT_TRUE(Settled(at_));
}

TEST_F(WatchSequenceTest, ADirectoryIsGoneWhenTheFirstEventSaysSo) {
  const Mounted mount(Kubelet(), at_);
  ASSERT_TRUE(mount.ok());
  for (int i = 0; i < 40; ++i) {
    const std::string before = DataDir(at_);
    EXPECT_EQ(Slurp(mount / "res/cpu"), "15");
    const bool nested = i % 4 == 1;
    EventLog self(mount / (before + (nested ? "/res" : "")), IN_DELETE_SELF);
    EventLog root(at_, IN_DELETE);
    dir_.Replace("pod.yaml", PodYaml("gone " + std::to_string(i)));
    if (i % 2 == 0) {
      EXPECT_THAT(root.UntilLast("DELETE,ISDIR " + before), Contains("DELETE,ISDIR " + before));
    } else {
      EXPECT_THAT(self.UntilLast("DELETE_SELF"), Contains("DELETE_SELF"));
    }
    EXPECT_TRUE(Gone(mount / before)) << std::generic_category().message(errno);
    EXPECT_FALSE(Listed(at_, before));
    if (i % 2 == 0) {
      EXPECT_THAT(self.UntilLast("DELETE_SELF"), Contains("DELETE_SELF"));
    }
  }
}

// This holds for any inode that the name of an old file or directory leads to, while it leads
// anywhere.
TEST_F(WatchSequenceTest, AWatchThatIsAddedLateHearsTheEnd) {
  const Mounted mount(Kubelet(), at_);
  ASSERT_TRUE(mount.ok());
  for (int i = 0; i < 30; ++i) {
    EXPECT_NE(Slurp(mount / "labels"), "");
    const std::string file = fs::canonical(mount / (i % 3 == 2 ? "res" : "labels"));
    const OwnedFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    std::set<int> silent;
    dir_.Replace("pod.yaml", PodYaml("late " + std::to_string(i)));
    int id = 0;
    while ((id = inotify_add_watch(watch.get(), file.c_str(), IN_DELETE_SELF)) >= 0) {
      silent.insert(id);
    }
    EXPECT_EQ(errno, ENOENT);
    pollfd event = {watch.get(), POLLIN, 0};
    alignas(inotify_event) char buffer[16384];
    while (!silent.empty() && poll(&event, 1, 20000) == 1) {
      const ssize_t n = read(watch.get(), buffer, sizeof buffer);
      for (ssize_t at = 0; at < n;) {
        const auto* told = reinterpret_cast<const inotify_event*>(buffer + at);
        if ((told->mask & IN_IGNORED) != 0) silent.erase(told->wd);
        at += static_cast<ssize_t>(sizeof *told + told->len);
      }
    }
    ASSERT_THAT(silent, IsEmpty()) << "round " << i;
  }
}

// As a walk finds it that was on its way when the name went, and waited for a processor. Only in
// the first seconds; a machine that is slower than that may need more rounds.
TEST_F(WatchSequenceTest, AWatchOnAFileThatIsFoundAfterItsDirectoryWentHearsTheEnd) {
  const Mounted mount(Kubelet(), at_);
  ASSERT_TRUE(mount.ok());
  bool told = false;
  for (int i = 0; i < 10 && !told; ++i) {
    const std::string before = mount / DataDir(at_);
    const OwnedFd held(open(before.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const std::string file = "/proc/self/fd/" + std::to_string(held.get()) + "/labels";
    EXPECT_NE(Slurp(file), "");
    dir_.Replace("pod.yaml", PodYaml("after " + std::to_string(i)));
    ASSERT_TRUE(Eventually([&] { return Gone(before); }));
    const OwnedFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ASSERT_GE(inotify_add_watch(watch.get(), file.c_str(), IN_DELETE_SELF), 0);
    pollfd event = {watch.get(), POLLIN, 0};
    told = poll(&event, 1, 10000) == 1;
    EXPECT_NE(Slurp(file), "") << "it is there still for who holds the directory";
  }
  EXPECT_TRUE(told);
}

TEST_F(WatchSequenceTest, AFileOfTheLiveLayoutTellsWhatAFileThatIsWrittenInPlaceTells) {
  std::vector<std::string> live = Kubelet();
  live.insert(live.end(), {"--layout", "live"});
  const Mounted mount(live, at_);
  ASSERT_TRUE(mount.ok());
  const std::string plain = dir_.Write("plain", "old");
  const std::uint32_t mask = EventLog::Changes() | IN_CLOSE_WRITE;
  EventLog of_plain(plain, mask);
  EventLog of_mount(mount / "labels", mask);
  // Opened without O_TRUNC, which would be a MODIFY of its own.
  { std::fstream(plain, std::ios::in | std::ios::out) << "new"; }
  dir_.Replace("pod.yaml", PodYaml("new"));
  EXPECT_EQ(of_mount.UntilLast("CLOSE_WRITE"), of_plain.UntilLast("CLOSE_WRITE"));
}

}  // namespace
}  // namespace downwardfs::testing
