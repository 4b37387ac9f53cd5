// SPDX-License-Identifier: Apache-2.0
//
// Bounds what a server can make us hold and how long it can go on: the objects, bytes and pages of
// one list (or of the initial events of a streaming list), and the objects that watch events add.
// Each object has a limit of its own already (SplitterLimits). Belongs to one reflector; one thread
// at a time.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "client/store/object_store.h"
#include "client/wire/splitter.h"

namespace downwardfs::client {

class ListLimit {
 public:
  /// `store` outlives it.
  ListLimit(const ObjectStore& store, SplitterLimits limits) : store_(store), limits_(limits) {}

  /// A list begins.
  void Begin();
  /// An item of the list. kResourceExhausted, with the limit, if it is one too many.
  Status TakeItem(const ObjectView& object);
  /// A page ends, and another is to follow.
  Status TakePage();
  /// The list was cut short by one of these limits.
  bool exceeded() const { return exceeded_; }
  /// An event of a watch: what is held may change, and not grow beyond the limit.
  Status TakeEvent(const ObjectView& object) const;

 private:
  const ObjectStore& store_;
  const SplitterLimits limits_;
  std::size_t objects_ = 0;
  std::size_t bytes_ = 0;
  std::size_t pages_ = 0;
  bool exceeded_ = false;
};

}  // namespace downwardfs::client
