// SPDX-License-Identifier: Apache-2.0
// Each way in which editors and tools save a file, and what a source promises about callbacks.
#include "sources/file_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "base/log.h"

namespace downwardfs {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kDeadline = seconds(20);  // far beyond any pause of a loaded machine

// A clock whose steady time the test sets.
class TestClock final : public Clock {
 public:
  SteadyTime Steady() const override { return SteadyTime(milliseconds(now_ms_.load())); }
  WallTime Wall() const override { return {}; }
  void Advance(milliseconds by) { now_ms_ += by.count(); }

 private:
  std::atomic<milliseconds::rep> now_ms_{0};
};

std::string PodYaml(const std::string& value, const std::string& name = "web",
                    const std::string& more = "") {
  return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n" + more +
         "  labels:\n    value: \"" + value + "\"\nspec: {}\n";
}

// Collects what a subscriber is told: a label's value, or "deleted".
class Events {
 public:
  void Add(const ObjectPtr& object) {
    std::string what = "deleted";
    if (object) {
      const std::string json = object->Json();
      const auto at = json.find("\"value\":\"");
      what = at == std::string::npos ? json : json.substr(at + 9, json.find('"', at + 9) - at - 9);
    }
    {
      const MutexLock lock(mutex_);
      all_.push_back(what);
    }
    changed_.NotifyAll();
  }

  // True once the last event is `what`.
  bool WaitForLast(const std::string& what) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    const MutexLock lock(mutex_);
    while (all_.empty() || all_.back() != what) {
      if (!changed_.WaitUntil(mutex_, deadline)) return !all_.empty() && all_.back() == what;
    }
    return true;
  }

  std::vector<std::string> all() {
    const MutexLock lock(mutex_);
    return all_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> all_ GUARDED_BY(mutex_);
};

class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "file_source_test.XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    file_ = directory_ / "pod.yaml";
    log_ = directory_ / "log";
    LogOptions options;
    options.file = log_;
    ASSERT_TRUE(SetUpLog(options));
  }
  void TearDown() override {
    subscription_.reset();
    source_.reset();
    ASSERT_TRUE(SetUpLog({}));
    fs::remove_all(directory_);
  }

  static void Write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
  }
  void WriteAndRename(const std::string& text) const {
    const fs::path temporary = directory_ / ".new";
    Write(temporary, text);
    fs::rename(temporary, file_);
  }

  // Opens and starts the source on `path` and subscribes to default/web.
  void Follow(const fs::path& path, const std::string& uid = "") {
    auto source = FileSource::Open(path, "", clock_);
    ASSERT_TRUE(source) << source.error().message;
    source_ = std::move(*source);
    subscription_ = source_->Subscribe({"Pod", "default", "web", uid},
                                       [this](const ObjectPtr& object) { events_.Add(object); });
    ASSERT_TRUE(source_->Start());
  }
  void Follow() { Follow(file_); }

  SourceState WaitForConnected(bool connected) const {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    SourceState state = source_->State();
    while (state.connected != connected && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      state = source_->State();
    }
    EXPECT_EQ(state.connected, connected);
    return state;
  }

  std::size_t LogLinesWith(const std::string& text) const {
    std::ifstream in(log_);
    std::size_t n = 0;
    for (std::string line; std::getline(in, line);) n += line.find(text) != std::string::npos;
    return n;
  }

  TestClock clock_;
  fs::path directory_;
  fs::path file_;
  fs::path log_;
  Events events_;
  std::unique_ptr<FileSource> source_;
  std::unique_ptr<ObjectSource::Subscription> subscription_;
};

TEST_F(FileSourceTest, OpenRefusesABadFileNamingIt) {
  auto missing = FileSource::Open(file_, "", clock_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message, file_.string() + ": No such file or directory");
  Write(file_, "a: [");
  auto broken = FileSource::Open(file_, "", clock_);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message.rfind(file_.string() + ": YAML: line ", 0), 0U);
  EXPECT_FALSE(FileSource::Open(directory_, "", clock_));
}

TEST_F(FileSourceTest, GetAndListFindPodsAndNodes) {
  Write(file_, PodYaml("1") + "---\n" + PodYaml("2", "api", "  namespace: prod\n  uid: u1\n"));
  const fs::path node = directory_ / "node.json";
  Write(node, R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}})");
  auto source = FileSource::Open(file_, node, clock_);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->List("Pod").size(), 2U);
  EXPECT_EQ((*source)->List("Node").size(), 1U);
  EXPECT_TRUE((*source)->Get({"Node", "", "n1", ""}));
  EXPECT_TRUE((*source)->Get({"Pod", "prod", "api", "u1"}));
  EXPECT_FALSE((*source)->Get({"Pod", "prod", "api", "u2"}));
  EXPECT_FALSE((*source)->Get({"Pod", "prod", "web", ""}));
  EXPECT_EQ((*source)->State().description, "file " + file_.string() + ", file " + node.string());
}

TEST_F(FileSourceTest, ResourceVersionIsTheObjectsOrCountsTheFilesChanges) {
  Write(file_, PodYaml("1") + "---\n" + PodYaml("2", "api", "  resourceVersion: \"77\"\n"));
  Follow();
  EXPECT_EQ(source_->Get({"Pod", "default", "web", ""})->meta().resource_version, "file-1");
  EXPECT_EQ(source_->Get({"Pod", "default", "api", ""})->meta().resource_version, "77");
  WriteAndRename(PodYaml("3"));
  ASSERT_TRUE(events_.WaitForLast("3"));
  EXPECT_EQ(source_->Get({"Pod", "default", "web", ""})->meta().resource_version, "file-2");
  EXPECT_EQ(source_->State().resource_version, "file-2");
}

TEST_F(FileSourceTest, BytesThatAreNotUtf8SurviveFromAJsonFile) {
  Write(file_,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"labels\":{"
        "\"value\":\"\xff\"}},\"spec\":{}}");
  auto source = FileSource::Open(file_, "", clock_);
  ASSERT_TRUE(source);
  EXPECT_NE((*source)->List("Pod").at(0)->Json().find("\"\xff\""), std::string::npos);
}

TEST_F(FileSourceTest, RenameOverShows) {
  Write(file_, PodYaml("1"));
  Follow();
  WriteAndRename(PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
  WriteAndRename(PodYaml("3"));
  EXPECT_TRUE(events_.WaitForLast("3"));
  EXPECT_EQ(events_.all(), (std::vector<std::string>{"2", "3"}));
}

TEST_F(FileSourceTest, TruncateAndWriteInTwoChunksShowsOnlyTheWhole) {
  Write(file_, PodYaml("1"));
  Follow();
  const std::string first = PodYaml("2");  // a valid pod by itself
  const std::string second = "---\n" + PodYaml("x", "other");
  {
    const OwnedFd fd(open(file_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    ASSERT_EQ(write(fd.get(), first.data(), first.size()), static_cast<ssize_t>(first.size()));
    ASSERT_EQ(write(fd.get(), second.data(), second.size()), static_cast<ssize_t>(second.size()));
  }
  EXPECT_TRUE(events_.WaitForLast("2"));
  EXPECT_TRUE(source_->Get({"Pod", "default", "other", ""}));
  EXPECT_EQ(LogLinesWith("cannot be used"), 0U);
}

TEST_F(FileSourceTest, AWriterThatNeverClosesIsReadWhenItIsQuiet) {
  Write(file_, PodYaml("1"));
  Follow();
  const std::string text = PodYaml("2");
  const OwnedFd fd(open(file_.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, VimsBackupAndNewFileShows) {
  Write(file_, PodYaml("1"));
  Follow();
  fs::rename(file_, directory_ / "pod.yaml~");
  Write(file_, PodYaml("2"));
  fs::remove(directory_ / "pod.yaml~");
  EXPECT_TRUE(events_.WaitForLast("2"));
  EXPECT_EQ(events_.all(), std::vector<std::string>{"2"});
  // The new inode is watched as the old one was.
  Write(file_, PodYaml("3"));
  EXPECT_TRUE(events_.WaitForLast("3"));
}

TEST_F(FileSourceTest, SedInPlaceShows) {
  Write(file_, PodYaml("1"));
  Follow();
  ASSERT_EQ(std::system(("sed -i 's/\"1\"/\"2\"/' " + file_.string()).c_str()), 0);  // NOLINT
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, ASymlinkSwappedInTheMiddleOfThePathShows) {
  // A ConfigMap's volume: pod.yaml -> ..data/pod.yaml, ..data -> v1.
  fs::create_directory(directory_ / "v1");
  fs::create_directory(directory_ / "v2");
  Write(directory_ / "v1" / "pod.yaml", PodYaml("1"));
  Write(directory_ / "v2" / "pod.yaml", PodYaml("2"));
  fs::create_directory_symlink("v1", directory_ / "..data");
  fs::create_symlink("..data/pod.yaml", file_);
  Follow();
  fs::create_directory_symlink("v2", directory_ / "..data_tmp");
  fs::rename(directory_ / "..data_tmp", directory_ / "..data");
  ASSERT_TRUE(events_.WaitForLast("2"));
  fs::remove_all(directory_ / "v1");
  // The new target is followed from now on.
  Write(directory_ / "v2" / "pod.yaml", PodYaml("3"));
  EXPECT_TRUE(events_.WaitForLast("3"));
  EXPECT_EQ(LogLinesWith("cannot be used"), 0U);
}

TEST_F(FileSourceTest, ALinkToAFileElsewhereIsFollowed) {
  fs::create_directory(directory_ / "elsewhere");
  Write(directory_ / "elsewhere" / "a", PodYaml("1"));
  fs::create_symlink(directory_ / "elsewhere" / "a", file_);
  Follow();
  Write(directory_ / "elsewhere" / "a", PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, AnEditThroughAnotherHardLinkShows) {
  Write(file_, PodYaml("1"));
  fs::create_directory(directory_ / "elsewhere");
  fs::create_hard_link(file_, directory_ / "elsewhere" / "a");
  Follow();
  Write(directory_ / "elsewhere" / "a", PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, ADirectoryMadeAnewIsFollowed) {
  fs::create_directories(directory_ / "a" / "b");
  Write(directory_ / "a" / "b" / "pod.yaml", PodYaml("1"));
  Follow(directory_ / "a" / "b" / "pod.yaml");
  fs::remove_all(directory_ / "a");
  const SourceState state = WaitForConnected(false);
  EXPECT_NE(state.last_error.find("No such file"), std::string::npos);
  EXPECT_TRUE(source_->Get({"Pod", "default", "web", ""}));
  fs::create_directories(directory_ / "a" / "b");
  Write(directory_ / "a" / "b" / "pod.yaml", PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
  WaitForConnected(true);
}

TEST_F(FileSourceTest, ABrokenFileKeepsTheLastContentAndLogsOnce) {
  Write(file_, PodYaml("1"));
  Follow();
  WriteAndRename("a: [");
  SourceState state = WaitForConnected(false);
  EXPECT_NE(state.last_error.find("YAML: line "), std::string::npos) << state.last_error;
  EXPECT_TRUE(source_->Get({"Pod", "default", "web", ""}));
  clock_.Advance(seconds(7));
  EXPECT_EQ(source_->State().data_age, seconds(7));
  WriteAndRename("a: [");  // the same failure again
  WriteAndRename(PodYaml("2"));
  ASSERT_TRUE(events_.WaitForLast("2"));
  state = WaitForConnected(true);
  EXPECT_EQ(state.last_error, "");
  EXPECT_EQ(state.data_age.count(), 0);
  EXPECT_EQ(LogLinesWith("cannot be used"), 1U);
  EXPECT_EQ(LogLinesWith("good again"), 1U);
}

// Root may read everything. glibc gives each change of the user to every thread, the source's too.
class AsNobody {
 public:
  AsNobody() : before_(geteuid()) { EXPECT_TRUE(before_ != 0 || seteuid(kUid) == 0); }
  ~AsNobody() { EXPECT_EQ(seteuid(before_), 0); }
  static constexpr uid_t kUid = 65534;

 private:
  const uid_t before_;
};

TEST_F(FileSourceTest, AFileThatMayNotBeReadIsReadOnceItMay) {
  Write(file_, PodYaml("1"));
  chmod(directory_.c_str(), 0755);
  ASSERT_TRUE(geteuid() != 0 || chown(file_.c_str(), AsNobody::kUid, AsNobody::kUid) == 0);
  // From before the source's thread exists until it is done: it reads right after each chmod, and
  // as root it would find nothing amiss. The file's owner may change its mode.
  const AsNobody nobody;
  Follow();
  ASSERT_EQ(chmod(file_.c_str(), 0), 0);
  WaitForConnected(false);
  ASSERT_EQ(chmod(file_.c_str(), 0644), 0);
  WaitForConnected(true);
}

TEST_F(FileSourceTest, AFifoPutInItsPlaceDoesNotHang) {
  Write(file_, PodYaml("1"));
  Follow();
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  fs::rename(directory_ / "fifo", file_);
  EXPECT_NE(WaitForConnected(false).last_error.find("no longer a regular file"), std::string::npos);
}

TEST_F(FileSourceTest, TheSameBytesAgainAreNoEvent) {
  Write(file_, PodYaml("1"));
  Follow();
  WriteAndRename(PodYaml("1"));
  Write(file_, PodYaml("1") + "# a comment\n");
  WriteAndRename(PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
  EXPECT_EQ(events_.all(), std::vector<std::string>{"2"});
}

TEST_F(FileSourceTest, WhatChangedBetweenOpenAndStartIsNoticed) {
  Write(file_, PodYaml("1"));
  auto source = FileSource::Open(file_, "", clock_);
  ASSERT_TRUE(source);
  source_ = std::move(*source);
  subscription_ = source_->Subscribe({"Pod", "default", "web", ""},
                                     [this](const ObjectPtr& object) { events_.Add(object); });
  Write(file_, PodYaml("2"));
  ASSERT_TRUE(source_->Start());
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, APodThatLeavesTheFileIsDeletedAndMayComeBack) {
  Write(file_, PodYaml("1") + "---\n" + PodYaml("x", "other"));
  Follow();
  WriteAndRename(PodYaml("x", "other"));
  EXPECT_TRUE(events_.WaitForLast("deleted"));
  EXPECT_FALSE(source_->Get({"Pod", "default", "web", ""}));
  WriteAndRename(PodYaml("2"));
  EXPECT_TRUE(events_.WaitForLast("2"));
}

TEST_F(FileSourceTest, WhoAskedForAUidHearsThatItIsGone) {
  Write(file_, PodYaml("1", "web", "  uid: u1\n"));
  Follow(file_, "u1");
  WriteAndRename(PodYaml("2", "web", "  uid: u2\n"));
  EXPECT_TRUE(events_.WaitForLast("deleted"));
  EXPECT_EQ(events_.all(), std::vector<std::string>{"deleted"});
}

TEST_F(FileSourceTest, TwoHundredFastRewritesEndAtTheLast) {
  Write(file_, PodYaml("0"));
  Follow();
  for (int i = 1; i <= 200; ++i) {
    if (i % 2 == 0) {
      WriteAndRename(PodYaml(std::to_string(i)));
    } else {
      Write(file_, PodYaml(std::to_string(i)));
    }
  }
  EXPECT_TRUE(events_.WaitForLast("200"));
}

TEST_F(FileSourceTest, RewritesInPlaceNeverShowAPart) {
  // Each save is a truncation and 40 writes; every prefix that ends a document would parse.
  const auto text = [](const std::string& value) {
    std::string out;
    for (int i = 0; i < 40; ++i) {
      const std::string name = i == 0 ? "web" : "p" + std::to_string(i);
      out += PodYaml(value, name) + "---\n";
    }
    return out;
  };
  Write(file_, text("0"));
  std::atomic<int> torn{0};
  auto source = FileSource::Open(file_, "", clock_);
  ASSERT_TRUE(source) << source.error().message;
  source_ = std::move(*source);
  subscription_ = source_->Subscribe({"Pod", "default", "web", ""}, [&](const ObjectPtr& object) {
    if (source_->List("Pod").size() != 40) ++torn;
    events_.Add(object);
  });
  ASSERT_TRUE(source_->Start());
  for (int save = 1; save <= 50; ++save) {
    std::string rest = text(std::to_string(save));
    const OwnedFd fd(open(file_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    while (!rest.empty()) {
      const std::size_t n = std::min(rest.size(), rest.find("---\n") + 4);
      ASSERT_EQ(write(fd.get(), rest.data(), n), static_cast<ssize_t>(n));
      rest.erase(0, n);
    }
  }
  EXPECT_TRUE(events_.WaitForLast("50"));
  EXPECT_EQ(torn, 0);
}

TEST_F(FileSourceTest, EndingASubscriptionWaitsForItsCallback) {
  Write(file_, PodYaml("1"));
  Follow();
  std::atomic<bool> entered{false};
  std::atomic<bool> may_return{false};
  std::atomic<bool> returned{false};
  auto slow = source_->Subscribe({"Pod", "default", "web", ""}, [&](const ObjectPtr&) {
    entered = true;
    while (!may_return) std::this_thread::yield();
    returned = true;
  });
  WriteAndRename(PodYaml("2"));
  while (!entered) std::this_thread::yield();
  std::thread releaser([&] { may_return = true; });
  slow.reset();
  EXPECT_TRUE(returned);
  releaser.join();
}

TEST_F(FileSourceTest, SubscribersMayComeAndGoWhileTheFileChanges) {
  Write(file_, PodYaml("0"));
  Follow();
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    while (!stop) {
      auto one = source_->Subscribe({"Pod", "default", "web", ""}, [this](const ObjectPtr& object) {
        EXPECT_TRUE(object);
        EXPECT_TRUE(source_->Get({"Pod", "default", "web", ""}));
      });
    }
  });
  for (int i = 1; i <= 50; ++i) WriteAndRename(PodYaml(std::to_string(i)));
  EXPECT_TRUE(events_.WaitForLast("50"));
  stop = true;
  churn.join();
}

TEST_F(FileSourceTest, AFifoIsReadOnceAndNotWatched) {
  const fs::path fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&] { Write(fifo, PodYaml("1")); });
  auto source = FileSource::Open(fifo, "", clock_);
  writer.join();
  ASSERT_TRUE(source) << source.error().message;
  ASSERT_TRUE((*source)->Start());
  EXPECT_TRUE((*source)->State().connected);
  EXPECT_EQ((*source)->List("Pod").size(), 1U);
}

}  // namespace
}  // namespace downwardfs
