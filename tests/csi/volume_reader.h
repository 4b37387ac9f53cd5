// SPDX-License-Identifier: Apache-2.0
// Reads a volume of the pod default/web while processes die: the files' bytes, and that a listing
// has the names of one version. One owner; a thread of its own.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include "base/file.h"

namespace downwardfs::testing {

// Reads the volume over and over until it goes.
class VolumeReader {
 public:
  using Clock = std::chrono::steady_clock;

  explicit VolumeReader(std::string target)
      : target_(std::move(target)), thread_([this] { Run(); }) {}
  ~VolumeReader() {
    stop_ = true;
    thread_.join();
    EXPECT_EQ(failures_, 0) << "of " << rounds_ << " rounds; first, "
                            << std::chrono::duration<double>(first_at_ - start_).count()
                            << " s after the start: " << first_;
    EXPECT_GT(rounds_, 0);
  }
  VolumeReader(const VolumeReader&) = delete;
  VolumeReader& operator=(const VolumeReader&) = delete;

  /// Both keepers of the volume are gone, which the documentation calls the end of the mount: until
  /// Expect() a call may fail, and a listing may be empty. Wrong bytes are wrong all the same.
  void Excuse() { excused_ = true; }
  void Expect() { excused_ = false; }
  long rounds() const { return rounds_; }
  long excused() const { return excused_failures_; }

 private:
  struct Outcome {
    std::string wrong;  // empty: right
    bool failed = false;
  };

  void Run() {
    while (!stop_) {
      // One that began before may come to its end after.
      bool excused = excused_;
      ++rounds_;
      for (const Outcome& outcome : {Read(), List()}) {
        if (outcome.wrong.empty()) continue;
        excused = excused || excused_;
        if (excused && outcome.failed) {
          ++excused_failures_;
        } else if (failures_++ == 0) {
          first_ = outcome.wrong;
          first_at_ = Clock::now();
        }
      }
    }
  }
  Outcome Read() const {
    const auto name = ReadFile(target_ + "/name");
    if (!name) return {"read: " + name.error().message, true};
    if (*name == "web") return {};
    return {"wrong bytes: " + *name};
  }
  // `..data`, the directory of one version, and a link for each file.
  Outcome List() const {
    std::error_code error;
    std::string names;
    int versions = 0;
    int others = 0;
    std::filesystem::directory_iterator at(target_, error);
    for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      const std::string name = at->path().filename();
      names += name + " ";
      if (name.rfind("..2", 0) == 0) {
        ++versions;
      } else if (name == "..data" || name == "name" || name == "tick") {
        ++others;
      }
    }
    if (error) return {"list: " + error.message(), true};
    if (versions == 1 && others == 3) return {};
    return {"lists " + names, names.empty()};
  }

  const std::string target_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> excused_{false};
  std::atomic<long> rounds_{0};
  std::atomic<long> excused_failures_{0};
  long failures_ = 0;
  std::string first_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point first_at_ = start_;
  std::thread thread_;
};

}  // namespace downwardfs::testing
