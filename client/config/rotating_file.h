// SPDX-License-Identifier: Apache-2.0
//
// A small file that others replace while we run: a ServiceAccount token, a CA bundle, a client
// certificate. It is read again once an interval (and when forced), so that asking for it with each
// request costs nothing; times and inode numbers are not trusted to tell a change, the files are a
// few KB. The owner shares it with whom it likes; any thread may call.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace downwardfs::client {

/// See the head of this file. A file that vanishes, is empty or cannot be read any more keeps its
/// last bytes (one log line says so; another when it is back): only the first read and a forced one
/// can fail.
class RotatingFile {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  /// 50 s: kubelets replace tokens at 80 % of their life of 10 minutes at least, and the rule is
  /// "at least once a minute".
  static constexpr std::chrono::seconds kInterval{50};
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  explicit RotatingFile(std::string path, const Clock& clock = Clock::Real(),
                        std::chrono::seconds interval = kInterval);

  /// The bytes to use now; as long as they are the same, so is the pointer. `force` reads at once:
  /// the last bytes have been refused.
  Result<Bytes> Get(bool force = false);

  /// The bytes if they are fresh enough to be used without reading the file; null otherwise.
  Bytes Fresh() const;

  const std::string& path() const { return path_; }

 private:
  Status Load() REQUIRES(mutex_);

  const std::string path_;
  const Clock& clock_;
  const std::chrono::seconds interval_;
  mutable Mutex mutex_;
  Bytes bytes_ GUARDED_BY(mutex_);
  Clock::SteadyTime next_read_ GUARDED_BY(mutex_){};
  bool complained_ GUARDED_BY(mutex_) = false;
};

}  // namespace downwardfs::client
