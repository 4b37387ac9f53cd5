// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/view_cache.h"

namespace downwardfs {

std::shared_ptr<const ObjectView> ViewCache::Get(const ObjectPtr& object) {
  const ObjectMeta& meta = object->meta();
  // A server without resourceVersions cannot say what is the same.
  if (meta.resource_version.empty()) return std::make_shared<const ObjectView>(object);
  const std::string key = meta.kind + '/' + meta.uid + '/' + meta.resource_version;
  {
    const MutexLock lock(mutex_);
    const auto at = by_key_.find(key);
    if (at != by_key_.end()) {
      held_.splice(held_.begin(), held_, at->second);
      return at->second->view;
    }
  }
  auto view = std::make_shared<const ObjectView>(object);
  const std::size_t bytes = object->Json().size();
  const MutexLock lock(mutex_);
  if (const auto at = by_key_.find(key); at != by_key_.end()) return at->second->view;
  held_.push_front({key, view, bytes});
  by_key_[key] = held_.begin();
  bytes_ += bytes;
  Trim();
  return view;
}

// The newest entry stays, however large it is.
void ViewCache::Trim() {
  while (held_.size() > 1 && (held_.size() > limits_.views || bytes_ > limits_.bytes)) {
    bytes_ -= held_.back().bytes;
    by_key_.erase(held_.back().key);
    held_.pop_back();
  }
}

std::size_t ViewCache::size() const {
  const MutexLock lock(mutex_);
  return held_.size();
}

}  // namespace downwardfs
