// SPDX-License-Identifier: Apache-2.0
// Reads a volume of the pod default/web while processes die. One owner; a thread of its own.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include "base/file.h"

namespace downwardfs::testing {

// Reads the volume over and over until it goes.
class VolumeReader {
 public:
  explicit VolumeReader(std::string target)
      : target_(std::move(target)), thread_([this] { Run(); }) {}
  ~VolumeReader() {
    stop_ = true;
    thread_.join();
    EXPECT_EQ(failures_, 0) << "of " << rounds_ << " rounds; first: " << first_;
    EXPECT_GT(rounds_, 0);
  }
  VolumeReader(const VolumeReader&) = delete;
  VolumeReader& operator=(const VolumeReader&) = delete;

 private:
  void Run() {
    while (!stop_) {
      ++rounds_;
      const auto name = ReadFile(target_ + "/name");
      std::error_code error;
      std::filesystem::directory_iterator(target_, error);
      if (name && *name == "web" && !error) continue;
      if (failures_++ == 0)
        first_ = !name ? name.error().message : error ? "list: " + error.message() : *name;
    }
  }
  const std::string target_;
  std::atomic<bool> stop_{false};
  long rounds_ = 0;
  long failures_ = 0;
  std::string first_;
  std::thread thread_;
};

}  // namespace downwardfs::testing
