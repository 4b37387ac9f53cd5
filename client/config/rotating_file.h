// SPDX-License-Identifier: Apache-2.0
//
// A small file that others replace while we run: a ServiceAccount token, a CA bundle, a client
// certificate. It is looked at again once an interval (and when forced) and read anew only if its
// identity, size or times changed, so that asking for it with each request costs nothing. The owner
// shares it with whom it likes; any thread may call.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace downwardfs::client {

/// See the head of this file. A file that vanishes or cannot be read any more keeps its last bytes
/// (one log line says so; another when it is back); only the first read can fail.
class RotatingFile {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  /// 50 s: kubelets replace tokens at 80 % of their life of 10 minutes at least, and the rule is "at
  /// least once a minute".
  static constexpr std::chrono::seconds kInterval{50};

  explicit RotatingFile(std::string path, const Clock& clock = Clock::Real());

  /// The bytes to use now. The same pointer means the same bytes. `force` looks at once, and reads
  /// even where the file looks unchanged.
  Result<Bytes> Get(bool force = false);

  /// The bytes if they are fresh enough to be used without looking at the file; null otherwise.
  Bytes Fresh() const;

  const std::string& path() const { return path_; }

 private:
  Status Load(bool force) REQUIRES(mutex_);

  const std::string path_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Bytes bytes_ GUARDED_BY(mutex_);
  struct stat seen_ GUARDED_BY(mutex_) = {};
  Clock::SteadyTime next_look_ GUARDED_BY(mutex_){};
  bool complained_ GUARDED_BY(mutex_) = false;
};

}  // namespace downwardfs::client
