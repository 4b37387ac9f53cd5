// SPDX-License-Identifier: Apache-2.0
//
// The views that were used last, by object and resourceVersion: who reads one file of a pod mostly
// reads the next one. Bounded by number and by bytes, so that a walk through the whole cluster
// leaves nothing behind. Any thread.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"
#include "fs/cluster/object_view.h"

namespace downwardfs {

class ViewCache {
 public:
  struct Limits {
    std::size_t views = 256;
    /// Of the objects as JSON; what is rendered of one is about four times as much.
    std::size_t bytes = std::size_t{4} << 20;
  };
  ViewCache() : ViewCache(Limits()) {}
  explicit ViewCache(Limits limits) : limits_(limits) {}

  /// The view of that state of the object.
  std::shared_ptr<const ObjectView> Get(const ObjectPtr& object) EXCLUDES(mutex_);
  std::size_t size() const EXCLUDES(mutex_);

 private:
  struct Held {
    std::string key;
    std::shared_ptr<const ObjectView> view;
    std::size_t bytes = 0;
  };
  void Trim() REQUIRES(mutex_);

  const Limits limits_;
  mutable Mutex mutex_;
  std::list<Held> held_ GUARDED_BY(mutex_);  // the last used one first
  std::unordered_map<std::string, std::list<Held>::iterator> by_key_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace downwardfs
