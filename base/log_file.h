// SPDX-License-Identifier: Apache-2.0
// A log file that may be rotated: each line goes to the file that lies at the path when it is
// written, so logrotate needs neither a signal nor copytruncate. The path is resolved once, by this
// process or by the command that started it. After that no symlink on it is followed, and a file
// that is not a regular one is not opened: the directory may be another user's. For
// base/log_setup.cc alone. Any thread.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// `resolved`: no symlink is followed from the start.
  LogFile(std::string path, bool resolved) : path_(std::move(path)), resolved_(resolved) {}

  /// Opens the file to append to, and makes it if it is missing. Before the first line.
  Status Open();

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  bool InPlace() const;
  /// Takes the file that is at the path now, or makes it. If there can be none, the one that is
  /// open stays.
  void Reopen();

  std::string path_;
  const bool resolved_;
  OwnedFd file_;
};

}  // namespace downwardfs
