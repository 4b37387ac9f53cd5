// SPDX-License-Identifier: Apache-2.0
// The objects that a file source shows, and its promises about callbacks.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sources/file_source_fixture.h"

namespace downwardfs {
namespace {

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

TEST_F(FileSourceTest, BytesOfAJsonFileThatAreNotUtf8AreReplaced) {
  Write(file_,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"labels\":{"
        "\"value\":\"\xff\"}},\"spec\":{}}");
  auto source = FileSource::Open(file_, "", clock_);
  ASSERT_TRUE(source);
  EXPECT_NE((*source)->List("Pod").at(0)->Json().find("\"\xef\xbf\xbd\""), std::string::npos);
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
