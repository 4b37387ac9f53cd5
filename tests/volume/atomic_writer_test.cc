// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/atomic_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "fs/volume/dir_tree.h"
#include "tests/support/projected.h"
#include "tests/support/temp_dir.h"

namespace downwardfs {
namespace {

namespace fs = std::filesystem;

class AtomicWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto writer = AtomicWriter::Open(directory_, Clock::Real());
    ASSERT_TRUE(writer) << writer.error().message;
    writer_ = std::move(*writer);
  }

  std::string Write(const std::vector<ProjectedFile>& files) {
    auto written = writer_->Write(files);
    if (written) return "done";
    std::string message = written.error().message;
    const std::string prefix = directory_.string() + ": ";
    EXPECT_EQ(message.rfind(prefix, 0), 0U) << message;
    return message.substr(std::min(prefix.size(), message.size()));
  }

  std::string Read(const std::string& path) const {
    auto bytes = ReadFile(directory_ / path);
    return bytes ? *bytes : "no file";
  }

  // "labels -> ..data/labels", with data directories as "DIR", one per line, sorted.
  std::string Listing() const {
    std::vector<std::string> lines;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      std::string line = entry.path().filename();
      if (IsDataDirName(line)) line = "DIR";
      if (entry.is_symlink()) {
        const std::string target = fs::read_symlink(entry.path());
        line += " -> " + (IsDataDirName(target) ? "DIR" : target);
      }
      lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }

  std::string DataDir() const { return fs::read_symlink(directory_ / "..data"); }

  mode_t ModeOf(const std::string& path) const {
    struct stat st = {};
    EXPECT_EQ(lstat((directory_ / path).c_str(), &st), 0) << path;
    return st.st_mode & 07777;
  }

  const testing::TempDir temporary_;
  const fs::path directory_ = temporary_.path();
  std::unique_ptr<AtomicWriter> writer_;
};

TEST_F(AtomicWriterTest, FilesLinksAndDataDirectoryAreTheKubelets) {
  EXPECT_EQ(Write({File("labels", "a=\"b\""), File("res/cpu", "15"), File("res/x/y", "")}), "done");
  EXPECT_EQ(Listing(), "..data -> DIR\nDIR\nlabels -> ..data/labels\nres -> ..data/res\n");
  EXPECT_EQ(Read("labels"), "a=\"b\"");
  EXPECT_EQ(Read("res/cpu"), "15");
  EXPECT_EQ(Read("res/x/y"), "");
}

TEST_F(AtomicWriterTest, ModesDoNotDependOnTheUmask) {
  const mode_t before = umask(077);
  EXPECT_EQ(Write({File("a", "", 0666), File("d/b", "", 0), File("d/c", "", 0777)}), "done");
  umask(before);
  EXPECT_EQ(ModeOf(DataDir()), 0755U);
  EXPECT_EQ(ModeOf("..data/a"), 0666U);
  EXPECT_EQ(ModeOf("..data/d"), 0755U);
  EXPECT_EQ(ModeOf("..data/d/b"), 0U);
  EXPECT_EQ(ModeOf("..data/d/c"), 0777U);
}

TEST_F(AtomicWriterTest, TheSameFilesAgainChangeNothing) {
  EXPECT_EQ(Write({File("a", "1"), File("d/b", "2")}), "done");
  const std::string before = DataDir();
  EXPECT_EQ(Write({File("d/b", "2"), File("a", "1")}), "done");
  EXPECT_EQ(DataDir(), before);
}

TEST_F(AtomicWriterTest, AByteAModeOrAPathIsAChange) {
  const std::vector<std::vector<ProjectedFile>> versions = {{File("a", "1"), File("b", "1")},
                                                            {File("a", "2"), File("b", "1")},
                                                            {File("a", "2", 0600), File("b", "1")},
                                                            {File("a", "2", 0600)},
                                                            {File("a", "2", 0600), File("c/d", "")},
                                                            {File("c/d", "")},
                                                            {}};
  std::string before;
  for (const auto& files : versions) {
    EXPECT_EQ(Write(files), "done");
    EXPECT_NE(DataDir(), before);
    before = DataDir();
  }
  EXPECT_EQ(Listing(), "..data -> DIR\nDIR\n");
}

TEST_F(AtomicWriterTest, StepsOfAnUpdateComeInTheKubeletsOrder) {
  EXPECT_EQ(Write({File("a", "1"), File("gone", "")}), "done");
  const OwnedFd inotify(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(inotify_add_watch(inotify.get(), directory_.c_str(),
                              IN_CREATE | IN_ATTRIB | IN_MOVE | IN_DELETE),
            0);
  EXPECT_EQ(Write({File("a", "2"), File("new", "")}), "done");
  std::string seen;
  alignas(inotify_event) char buffer[8192];
  const ssize_t n = read(inotify.get(), buffer, sizeof buffer);
  for (const char* at = buffer; at < buffer + n;) {
    const auto* event = reinterpret_cast<const inotify_event*>(at);
    at += sizeof(inotify_event) + event->len;
    const std::string name = event->len > 0 ? event->name : "";
    if ((event->mask & IN_CREATE) != 0) seen += "CREATE ";
    if ((event->mask & IN_ATTRIB) != 0) seen += "ATTRIB ";
    if ((event->mask & IN_MOVED_FROM) != 0) seen += "MOVED_FROM ";
    if ((event->mask & IN_MOVED_TO) != 0) seen += "MOVED_TO ";
    if ((event->mask & IN_DELETE) != 0) seen += "DELETE ";
    seen += (IsDataDirName(name) ? "DIR" : name) + "\n";
  }
  EXPECT_EQ(seen,
            "CREATE DIR\nATTRIB DIR\nCREATE new\nCREATE ..data_tmp\nMOVED_FROM ..data_tmp\n"
            "MOVED_TO ..data\nDELETE gone\nDELETE DIR\n");
}

TEST_F(AtomicWriterTest, ANewWriterGoesOnWhereTheLastOneStopped) {
  EXPECT_EQ(Write({File("a", "1"), File("b", "1")}), "done");
  const std::string before = DataDir();
  writer_.reset();
  auto writer = AtomicWriter::Open(directory_, Clock::Real());
  ASSERT_TRUE(writer);
  writer_ = std::move(*writer);
  EXPECT_EQ(Write({File("a", "1"), File("b", "1")}), "done");
  EXPECT_EQ(DataDir(), before);
}

TEST_F(AtomicWriterTest, WhatAKilledWriterLeftGoes) {
  EXPECT_EQ(Write({File("a", "1")}), "done");
  const fs::path half = directory_ / "..2020_01_01_00_00_00.123456789";
  fs::create_directories(half / "d" / "e");
  std::ofstream(half / "d" / "f") << "half";
  fs::create_symlink(half.filename(), directory_ / "..data_tmp");
  fs::create_symlink("..data/never", directory_ / "never");
  EXPECT_EQ(Write({File("a", "2")}), "done");
  EXPECT_EQ(Listing(), "..data -> DIR\nDIR\na -> ..data/a\n");
}

TEST_F(AtomicWriterTest, ADanglingDataLinkIsReplaced) {
  EXPECT_EQ(Write({File("a", "1")}), "done");
  fs::remove_all(directory_ / DataDir());
  EXPECT_EQ(Write({File("a", "1")}), "done");
  EXPECT_EQ(Read("a"), "1");
}

TEST_F(AtomicWriterTest, FilesOfOthersStay) {
  std::ofstream(directory_ / "mine") << "keep";
  fs::create_symlink("/etc", directory_ / "etc");
  EXPECT_EQ(Write({File("a", "1")}), "done");
  EXPECT_EQ(Write({}), "done");
  EXPECT_EQ(Listing(), "..data -> DIR\nDIR\netc -> /etc\nmine\n");
}

TEST_F(AtomicWriterTest, ANameThatIsTakenIsAnErrorAndNothingChanges) {
  EXPECT_EQ(Write({File("a", "1")}), "done");
  const std::string before = Listing() + DataDir();
  std::ofstream(directory_ / "b") << "keep";
  EXPECT_EQ(Write({File("a", "2"), File("b", "x")}),
            "b: there is a file or directory of that name which downwardfs did not make; remove it "
            "or rename the item");
  fs::remove(directory_ / "b");
  fs::create_symlink("/etc/passwd", directory_ / "b");
  EXPECT_EQ(Write({File("a", "2"), File("b", "x")}),
            "b: there is a symbolic link to \"/etc/passwd\" of that name which downwardfs did not "
            "make; remove it or rename the item");
  fs::remove(directory_ / "b");
  EXPECT_EQ(Listing() + DataDir(), before);
}

TEST_F(AtomicWriterTest, APlantedDataLinkIsNotFollowed) {
  const fs::path victim = directory_ / "victim";
  fs::create_directory(victim);
  std::ofstream(victim / "file") << "keep";
  fs::create_symlink("victim", directory_ / "..data");
  EXPECT_EQ(Write({File("a", "1")}),
            "..data: leads to \"victim\", which no writer of volumes made; remove it or take "
            "another directory");
  fs::remove(directory_ / "..data");
  // A symlink with a data directory's name is removed, not what it leads to.
  fs::create_symlink("victim", directory_ / "..2020_01_01_00_00_00.123456789");
  fs::create_symlink("..2020_01_01_00_00_00.123456789", directory_ / "..data");
  EXPECT_EQ(Write({File("a", "1")}), "done");
  EXPECT_EQ(Read("victim/file"), "keep");
  EXPECT_EQ(Read("a"), "1");
  EXPECT_EQ(Listing(), "..data -> DIR\nDIR\na -> ..data/a\nvictim\n");
}

TEST_F(AtomicWriterTest, AWriteThatFailsKeepsTheOldVersion) {
  EXPECT_EQ(Write({File("a", "1")}), "done");
  const std::string before = Listing() + DataDir();
  // The disk is full for files above 4 KiB.
  rlimit old_limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = old_limit;
  limit.rlim_cur = 4096;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const std::string outcome = Write({File("a", "2"), File("b", std::string(10000, 'x'))});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(outcome, "b: File too large");
  EXPECT_EQ(Listing() + DataDir(), before);
  EXPECT_EQ(Read("a"), "1");
}

TEST_F(AtomicWriterTest, ReadersOfOneDataDirectoryNeverSeeTwoVersions) {
  EXPECT_EQ(Write({File("a", "0"), File("b", "0")}), "done");
  std::atomic<bool> stop{false};
  std::atomic<int> mixed{0};
  std::thread reader([&] {
    while (!stop) {
      const OwnedFd data(open((directory_ / "..data").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!data) continue;
      const OwnedFd a(openat(data.get(), "a", O_RDONLY | O_CLOEXEC));
      const OwnedFd b(openat(data.get(), "b", O_RDONLY | O_CLOEXEC));
      if (!a || !b) continue;  // removed meanwhile, as with the kubelet
      if (*ReadAll(a.get(), "a") != *ReadAll(b.get(), "b")) ++mixed;
    }
  });
  for (int i = 1; i <= 300; ++i) {
    EXPECT_EQ(Write({File("a", std::to_string(i)), File("b", std::to_string(i))}), "done");
  }
  stop = true;
  reader.join();
  EXPECT_EQ(mixed, 0);
}

TEST_F(AtomicWriterTest, ASecondWriterIsRefused) {
  auto second = AtomicWriter::Open(directory_, Clock::Real());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(second.error().message, directory_.string() + ": another downwardfs writes to it");
}

TEST_F(AtomicWriterTest, ADirectoryThatIsMissingOrIsAFileIsRefused) {
  auto missing = AtomicWriter::Open(directory_ / "no", Clock::Real());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, (directory_ / "no").string() + ": No such file or directory");
  std::ofstream(directory_ / "file") << "";
  auto file = AtomicWriter::Open(directory_ / "file", Clock::Real());
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, (directory_ / "file").string() + ": Not a directory");
}

struct PathCase {
  std::vector<std::string> paths;
  const char* message;
};

class AtomicWriterPathTest : public AtomicWriterTest,
                             public ::testing::WithParamInterface<PathCase> {};

TEST_P(AtomicWriterPathTest, ABadPathIsRefused) {
  std::vector<ProjectedFile> files;
  for (const std::string& path : GetParam().paths) files.push_back(File(path, ""));
  EXPECT_EQ(Write(files), GetParam().message);
  EXPECT_EQ(Listing(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Paths, AtomicWriterPathTest,
    ::testing::Values(PathCase{{""}, "path \"\": must not be empty"},
                      PathCase{{"/etc/x"}, "path \"/etc/x\": must be a clean relative path"},
                      PathCase{{"a/../../x"}, "path \"a/../../x\": must be a clean relative path"},
                      PathCase{{"..data"}, "path \"..data\": must not start with '..'"},
                      PathCase{{"a//b"}, "path \"a//b\": must be a clean relative path"},
                      PathCase{{"a/"}, "path \"a/\": must be a clean relative path"},
                      PathCase{{"a", "a"}, "path \"a\": appears twice"},
                      PathCase{{"a", "a-b", "a/b"}, "path \"a\": is a directory of \"a/b\""}));

// The owner of the directory puts another file in the place of a link.
TEST(DirTreeTest, OnlyTheLinkThatWasMadeIsGivenAway) {
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const testing::TempDir dir;
  const OwnedFd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto owner = [&](const char* name) {
    struct stat st = {};
    EXPECT_EQ(fstatat(fd.get(), name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_uid;
  };
  dir.Write("file", "root's");
  ASSERT_EQ(symlinkat("file", fd.get(), "other"), 0);
  ASSERT_EQ(symlinkat("..data/ours", fd.get(), "ours"), 0);
  EXPECT_EQ(GiveLink(fd.get(), "file", "..data/file", 1234).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(GiveLink(fd.get(), "other", "..data/other", 1234).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(GiveLink(fd.get(), "ours", "..data/ours", 1234));
  EXPECT_EQ(owner("file"), 0U);
  EXPECT_EQ(owner("other"), 0U);
  EXPECT_EQ(owner("ours"), 1234U);
}

}  // namespace
}  // namespace downwardfs
