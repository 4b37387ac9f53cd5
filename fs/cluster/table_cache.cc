// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/table_cache.h"

#include <algorithm>
#include <utility>

namespace downwardfs {

TableCache::Text TableCache::Get(const std::string& ns, std::uint64_t generation,
                                 Clock::SteadyTime now) const {
  const MutexLock lock(mutex_);
  for (const Table& table : tables_) {
    if (table.ns == ns && table.generation == generation && now - table.made < kLife) {
      return table.text;
    }
  }
  return nullptr;
}

void TableCache::Put(std::string ns, std::uint64_t generation, Clock::SteadyTime now, Text text) {
  const MutexLock lock(mutex_);
  tables_.erase(std::remove_if(tables_.begin(), tables_.end(),
                               [&](const Table& table) { return table.ns == ns; }),
                tables_.end());
  if (tables_.size() >= kTables) tables_.erase(tables_.begin());
  tables_.push_back({std::move(ns), generation, now, std::move(text)});
}

}  // namespace downwardfs
