// SPDX-License-Identifier: Apache-2.0
// A mount made by the real program, unmounted when the test ends. Without /dev/fuse the test fails.
#pragma once

#include <string>
#include <vector>

#include "tests/support/process.h"

namespace downwardfs::testing {

class Mounted {
 public:
  /// Runs `downwardfs mount ARGUMENTS MOUNTPOINT`; the test fails if that fails.
  Mounted(const std::vector<std::string>& arguments, std::string mount_point);
  ~Mounted();
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

  bool ok() const { return ok_; }
  const std::string& path() const { return mount_point_; }
  std::string operator/(const std::string& name) const { return mount_point_ + "/" + name; }

  /// `downwardfs status --format json`, the number or text at `key` as JSON text.
  std::string StatusField(const std::string& key) const;
  int DaemonPid() const;

 private:
  std::string mount_point_;
  bool ok_ = false;
};

/// True while something is mounted at exactly `path`.
bool IsMountPoint(const std::string& path);

}  // namespace downwardfs::testing
