// SPDX-License-Identifier: Apache-2.0
// A file source over a pod file that a test writes, and what a subscriber is told. The log goes to
// a file.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log_setup.h"
#include "base/mutex.h"
#include "sources/file_source.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace downwardfs {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kDeadline = seconds(20);  // far beyond any pause of a loaded machine

inline std::string PodYaml(const std::string& value, const std::string& name = "web",
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

class FileSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    LogOptions options;
    options.file = log_;
    ASSERT_TRUE(SetUpLog(options));
  }
  void TearDown() override {
    subscription_.reset();
    source_.reset();
    ASSERT_TRUE(SetUpLog({}));
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

  FakeClock clock_;
  const testing::TempDir temporary_;
  const fs::path directory_ = temporary_.path();
  const fs::path file_ = directory_ / "pod.yaml";
  const fs::path log_ = directory_ / "log";
  Events events_;
  std::unique_ptr<FileSource> source_;
  std::unique_ptr<ObjectSource::Subscription> subscription_;
};

}  // namespace downwardfs
