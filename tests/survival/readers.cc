// SPDX-License-Identifier: Apache-2.0
#include "tests/survival/readers.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace downwardfs::testing {

void ReaderReport::CountCalls(long calls, std::chrono::nanoseconds longest) {
  calls_ += calls;
  for (long known = longest_ns_; longest.count() > known;) {
    if (longest_ns_.compare_exchange_weak(known, longest.count())) break;
  }
}

void ReaderReport::Fail(const std::string& what) {
  ++failures_;
  MutexLock lock(mutex_);
  if (texts_.size() < 10) texts_.push_back(what);
}

std::string ReaderReport::first_failures() const {
  MutexLock lock(mutex_);
  std::string all;
  for (const std::string& text : texts_) all += text + "\n";
  return all;
}

Readers::Readers(std::string mount, bool live, ReaderReport& report)
    : mount_(std::move(mount)),
      live_(live),
      inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      report_(report) {
  if (inotify_add_watch(inotify_.get(), mount_.c_str(), IN_MOVED_TO | IN_MODIFY) < 0)
    Fail("inotify_add_watch");
  for (const Round round :
       {&Readers::Cached, &Readers::Direct, &Readers::Mapped, &Readers::HeldDirectory,
        &Readers::Listing, &Readers::Stats, &Readers::Watch}) {
    threads_.emplace_back([this, round] { Run(round); });
  }
}

Readers::~Readers() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void Readers::Run(Round round) {
  while (!stop_) {
    const auto start = std::chrono::steady_clock::now();
    (this->*round)();
    report_.CountCalls(1, std::chrono::steady_clock::now() - start);
  }
}

void Readers::Fail(const std::string& call) {
  const int why = errno;
  report_.Fail(call + ": " + strerrordesc_np(why));
}

std::string Readers::ReadAll(int directory, const std::string& path, int flags) {
  const OwnedFd file(openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file) {
    Fail("open " + path);
    return "";
  }
  std::string out;
  alignas(4096) char chunk[4096];
  for (ssize_t n = 0; (n = read(file.get(), chunk, sizeof chunk)) != 0;) {
    if (n < 0) {
      Fail("read " + path);
      return "";
    }
    out.append(chunk, static_cast<std::size_t>(n));
  }
  return out;
}

// Two files of one version carry the same number, and no number goes back.
void Readers::Check(const std::string& a, const std::string& b) {
  if (a != b) report_.Fail("mixed: \"" + a + "\" and \"" + b + "\"");
  const int number = std::atoi(a.c_str());
  if (number == 0) report_.Fail("wrong bytes: \"" + a + "\"");
  for (int known = newest_; number > known;) {
    if (newest_.compare_exchange_weak(known, number)) break;
  }
}

void Readers::Cached() {
  const std::string a = ReadAll(AT_FDCWD, mount_ + "/a", 0);
  Check(a, a);
}

void Readers::Direct() {
  const std::string a = ReadAll(AT_FDCWD, mount_ + "/a", O_DIRECT);
  Check(a, a);
}

// The live layout has no `..data`: there the root itself is held.
OwnedFd Readers::OpenData() {
  const std::string path = mount_ + (live_ ? "" : "/..data");
  OwnedFd data(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!data) Fail("open " + path);
  return data;
}

void Readers::Mapped() {
  const OwnedFd data = OpenData();
  const OwnedFd file(openat(data.get(), "d/long", O_RDONLY | O_CLOEXEC));
  struct stat st = {};
  if (!file || fstat(file.get(), &st) != 0 || st.st_size == 0) return Fail("open d/long");
  const auto size = static_cast<std::size_t>(st.st_size);
  void* const map = mmap(nullptr, size, PROT_READ, live_ ? MAP_PRIVATE : MAP_SHARED, file.get(), 0);
  if (map == MAP_FAILED) return Fail("mmap d/long");
  const std::string bytes(static_cast<const char*>(map), size);
  munmap(map, size);
  if (live_) return;  // its pages are read one by one, as the file changes
  const std::string number = bytes.substr(0, bytes.find('-'));
  if (bytes != NumberedFiller(number)) report_.Fail("wrong bytes in d/long");
  Check(number, ReadAll(data.get(), "a", 0));
}

// A held directory is one version for as long as it is held, and an open file is in either layout.
void Readers::HeldDirectory() {
  const OwnedFd data = OpenData();
  if (!data) return;
  if (live_) return SlowReader(data.get());
  const std::string first = ReadAll(data.get(), "a", 0);
  for (int i = 0; i < 20 && !stop_; ++i) {
    Check(first, ReadAll(data.get(), "d/b", i % 2 == 0 ? 0 : O_DIRECT));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Readers::SlowReader(int data) {
  const OwnedFd file(openat(data, "d/long", O_RDONLY | O_CLOEXEC));
  if (!file) return Fail("open d/long");
  std::string bytes;
  char chunk[100];
  for (ssize_t n = 0; (n = read(file.get(), chunk, sizeof chunk)) != 0;) {
    if (n < 0) return Fail("read d/long");
    bytes.append(chunk, static_cast<std::size_t>(n));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (bytes != NumberedFiller(bytes.substr(0, bytes.find('-')))) report_.Fail("torn: d/long");
}

void Readers::Listing() {
  struct Close {
    void operator()(DIR* directory) const { closedir(directory); }
  };
  for (const auto& [path, expected] :
       {std::pair<std::string, int>{mount_ + (live_ ? "/d" : "/..data/"), 4},
        {mount_, live_ ? 4 : 6}}) {
    const std::unique_ptr<DIR, Close> directory(opendir(path.c_str()));
    if (!directory) return Fail("opendir " + path);
    int names = 0;
    errno = 0;
    while (readdir(directory.get()) != nullptr) ++names;
    if (errno != 0) return Fail("readdir " + path);
    if (names != expected) report_.Fail(path + " lists " + std::to_string(names) + " names");
  }
}

void Readers::Stats() {
  struct stat st = {};
  for (const std::string path : {"/a", "/d", "/d/long", live_ ? "/d/b" : "/..data"}) {
    if (stat((mount_ + path).c_str(), &st) != 0) Fail("stat " + path);
  }
  if (lstat((mount_ + "/a").c_str(), &st) != 0) Fail("lstat");
}

// As those do who watch the directory for `..data` and read again.
void Readers::Watch() {
  pollfd event = {inotify_.get(), POLLIN, 0};
  if (poll(&event, 1, 20) <= 0) return;
  alignas(inotify_event) char bytes[4096];
  while (read(inotify_.get(), bytes, sizeof bytes) > 0) {
  }
  newest_by_event_ = std::atoi(ReadAll(AT_FDCWD, mount_ + "/a", 0).c_str());
}

}  // namespace downwardfs::testing
