// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/table_cache.h"

#include <algorithm>
#include <utility>

namespace downwardfs {

TableCache::Text TableCache::Find(const std::string& path, std::uint64_t generation,
                                  Clock::SteadyTime now) const {
  for (const Table& table : tables_) {
    if (table.path != path) continue;
    const bool fresh =
        now - table.made < (table.generation == generation ? kLife : kLifeOfAnyState);
    return fresh ? table.text : nullptr;
  }
  return nullptr;
}

TableCache::Text TableCache::Get(const std::string& path, std::uint64_t generation,
                                 Clock::SteadyTime now) const {
  const MutexLock lock(mutex_);
  return Find(path, generation, now);
}

TableCache::Text TableCache::Put(std::string path, std::uint64_t generation, Clock::SteadyTime now,
                                 Text text) {
  const MutexLock lock(mutex_);
  if (Text sooner = Find(path, generation, now)) return sooner;
  tables_.erase(std::remove_if(tables_.begin(), tables_.end(),
                               [&](const Table& table) { return table.path == path; }),
                tables_.end());
  if (tables_.size() >= kTables) tables_.erase(tables_.begin());
  tables_.push_back({std::move(path), generation, now, text});
  return text;
}

}  // namespace downwardfs
