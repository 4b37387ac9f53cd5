// SPDX-License-Identifier: Apache-2.0
// Thousands of edits of the pod file under readers that check every read: no torn, mixed, failed or
// older read, by path, through a held `..data` and in listings.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "tests/support/mounted.h"
#include "tests/support/numbered_pod.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

class Reader {
 public:
  explicit Reader(std::string mount) : mount_(std::move(mount)) {}

  void Round() {
    ++rounds_;
    const OwnedFd data(open((mount_ + "/..data").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!data) return Fail("open ..data: errno " + std::to_string(errno));
    const std::string a = Read(data.get(), "a");
    const std::string b = Read(data.get(), "d/b");
    const std::string filler = Read(data.get(), "d/long");
    if (a != b) return Fail("mixed: " + a + " and " + b);
    CheckFiller(filler, a);
    NotOlder(a);
    const std::string by_path = Read(AT_FDCWD, mount_ + "/a");
    NotOlder(by_path);
    CheckListing();
  }

  long rounds() const { return rounds_; }
  const std::string& failure() const { return failure_; }
  int newest() const { return newest_; }

 private:
  std::string Read(int directory, const std::string& path) {
    const OwnedFd file(openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
      Fail("open " + path + ": errno " + std::to_string(errno));
      return "";
    }
    std::string out;
    char chunk[1000];  // smaller than a page, so that a torn file would show
    for (ssize_t n = 0; (n = read(file.get(), chunk, sizeof chunk)) != 0;) {
      if (n < 0) {
        Fail("read " + path + ": errno " + std::to_string(errno));
        return "";
      }
      out.append(chunk, static_cast<std::size_t>(n));
    }
    return out;
  }

  void CheckFiller(const std::string& filler, const std::string& n) {
    const std::string unit = n + "-";
    if (filler.size() != 700 * unit.size()) return Fail("torn: " + std::to_string(filler.size()));
    for (std::size_t at = 0; at < filler.size(); at += unit.size()) {
      if (filler.compare(at, unit.size(), unit) != 0) return Fail("torn at " + std::to_string(at));
    }
  }

  void NotOlder(const std::string& text) {
    const int n = std::atoi(text.c_str());
    if (n < newest_) return Fail("older: " + text + " after " + std::to_string(newest_));
    newest_ = n;
  }

  void CheckListing() {
    struct Close {
      void operator()(DIR* directory) const { closedir(directory); }
    };
    const std::unique_ptr<DIR, Close> directory(opendir((mount_ + "/..data/").c_str()));
    if (!directory) return Fail("opendir: errno " + std::to_string(errno));
    int names = 0;
    while (readdir(directory.get()) != nullptr) ++names;
    if (names != 4) Fail("listing: " + std::to_string(names) + " names");
  }

  void Fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }

  const std::string mount_;
  long rounds_ = 0;
  int newest_ = 0;
  std::string failure_;
};

TEST(ConsistencyTest, ReadersSeeWholeVersionsOnlyAndNeverAnError) {
  const TempDir dir;
  dir.Write("pod.json", NumberedPod(1));
  dir.Write("items.yaml", kNumberedItems);
  const Mounted mount({"--pod-file", dir / "pod.json", "--items", dir / "items.yaml"},
                      dir.MakeDir("mount"));
  ASSERT_TRUE(mount.ok());

  std::atomic<bool> done{false};
  std::vector<Reader> readers(4, Reader(mount.path()));
  std::vector<std::thread> threads;
  threads.reserve(readers.size());
  for (Reader& reader : readers) {
    threads.emplace_back([&] {
      while (!done && reader.failure().empty()) reader.Round();
    });
  }
  for (int n = 2; n <= EDITS; ++n) {
    dir.Write("pod.json.new", NumberedPod(n));
    ASSERT_EQ(std::rename((dir / "pod.json.new").c_str(), (dir / "pod.json").c_str()), 0);
  }
  EXPECT_TRUE(Eventually([&] { return Slurp(mount / "a") == std::to_string(EDITS); }));
  done = true;
  for (std::thread& thread : threads) thread.join();

  long rounds = 0;
  for (Reader& reader : readers) {
    EXPECT_EQ(reader.failure(), "");
    rounds += reader.rounds();
    reader.Round();
    EXPECT_EQ(reader.newest(), EDITS);
  }
  const long flips = std::atol(mount.StatusField("flips").c_str());
  std::printf("%d edits, %ld flips, %ld rounds of reads, 0 failures\n", EDITS, flips, rounds);
  EXPECT_GT(flips, 2);  // how many edits one flip takes along is the machine's load's affair
}

}  // namespace
}  // namespace downwardfs::testing
