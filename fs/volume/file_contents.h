// SPDX-License-Identifier: Apache-2.0
//
// The contents of one version's files. They are rendered from the objects that the version was made
// of when somebody first asks for them, so that a volume which nobody reads holds no bytes: an
// update is rendered for the comparison with what is shown, then dropped.
//
// Never changes what it gives: the objects are immutable and rendering is a pure function of them.
// Any thread. Lock order: `rendering_` before `mutex_`. The first is taken only by readers of these
// bytes while there are none; nobody renders under the second.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace downwardfs {

class FileContents {
 public:
  using Bytes = std::vector<std::string>;  ///< in the order of the projected files
  using BytesPtr = std::shared_ptr<const Bytes>;
  using Render = std::function<Bytes()>;

  /// `again` renders the same bytes once more; without it they are kept for good.
  explicit FileContents(Bytes rendered, Render again = {});

  /// The bytes, for a reader: from now on they are kept.
  BytesPtr Read() const EXCLUDES(rendering_, mutex_);
  /// The bytes, for a comparison: rendered for it alone where they are not kept.
  BytesPtr Peek() const EXCLUDES(mutex_);

  /// Lets the bytes go if nobody has read them.
  void DropUnlessRead() EXCLUDES(mutex_);
  bool was_read() const EXCLUDES(mutex_);
  /// Bytes held; 0 while they are not kept.
  std::uint64_t kept_bytes() const EXCLUDES(mutex_);

 private:
  BytesPtr Kept(bool for_reader) const EXCLUDES(mutex_);

  const Render again_;
  mutable Mutex rendering_;  // of several first readers one does the work
  mutable Mutex mutex_;
  mutable BytesPtr kept_ GUARDED_BY(mutex_);
  mutable bool read_ GUARDED_BY(mutex_) = false;
};

}  // namespace downwardfs
