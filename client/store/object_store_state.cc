// SPDX-License-Identifier: Apache-2.0
// The store's feeds, and what State() makes of them.
#include <algorithm>

#include "client/store/object_store.h"

namespace downwardfs::client {

SourceState ObjectStore::State() const {
  const MutexLock lock(mutex_);
  SourceState state;
  state.description = description_;
  state.connected = !feeds_.empty();
  Clock::SteadyTime last_fault_at{};
  for (const FeedState& feed : feeds_) {
    state.faults += feed.faults;
    if (feed.faults > 0 && (state.last_fault.empty() || feed.last_fault_at > last_fault_at)) {
      state.last_fault = feed.last_fault;
      last_fault_at = feed.last_fault_at;
    }
    if (state.last_error.empty()) state.last_error = feed.last_error;
    if (state.resource_version.empty()) state.resource_version = feed.resource_version;
    if (feed.connected) continue;
    state.connected = false;
    if (feed.current_at) {
      state.data_age =
          std::max<std::chrono::nanoseconds>(state.data_age, clock_.Steady() - *feed.current_at);
    }
  }
  return state;
}

bool ObjectStore::WaitUntilSynced(std::chrono::steady_clock::time_point deadline) const {
  const MutexLock lock(mutex_);
  const auto synced = [this]() REQUIRES(mutex_) {
    return !feeds_.empty() && std::all_of(feeds_.begin(), feeds_.end(),
                                          [](const FeedState& feed) { return feed.synced; });
  };
  while (!synced()) {
    if (!synced_.WaitUntil(mutex_, deadline)) return synced();
  }
  return true;
}

std::unique_ptr<ObjectStore::Feed> ObjectStore::AddFeed() {
  const MutexLock lock(mutex_);
  auto place =
      std::find_if(feeds_.begin(), feeds_.end(), [](const FeedState& feed) { return feed.ended; });
  if (place == feeds_.end()) {
    place = feeds_.emplace(feeds_.end());
  } else {
    place->ended = place->synced = false;
    place->last_error.clear();
  }
  return std::unique_ptr<Feed>(new Feed(*this, static_cast<std::uint16_t>(place - feeds_.begin())));
}

ObjectStore::Feed::~Feed() {
  store_.EndFeed(index_);
}
void ObjectStore::Feed::BeginList() {
  store_.BeginList(index_);
}
void ObjectStore::Feed::EndList() {
  store_.EndList(index_);
}
void ObjectStore::Feed::DropList() {
  store_.DropList(index_);
}
void ObjectStore::Feed::Put(const ObjectView& object) {
  store_.Put(index_, object);
}
void ObjectStore::Feed::Remove(const ObjectView& object) {
  store_.Remove(index_, object);
}

void ObjectStore::Feed::Reached(std::string_view resource_version) {
  const MutexLock lock(store_.mutex_);
  store_.feeds_[index_].resource_version = resource_version;
}

void ObjectStore::Feed::Connected() {
  const MutexLock lock(store_.mutex_);
  FeedState& feed = store_.feeds_[index_];
  feed.connected = true;
  feed.last_error.clear();
}

void ObjectStore::Feed::Disconnected(const std::string& error, Clock::SteadyTime since) {
  const MutexLock lock(store_.mutex_);
  FeedState& feed = store_.feeds_[index_];
  if (feed.connected) feed.current_at = since;
  feed.connected = false;
  feed.last_error = error;
}

void ObjectStore::Feed::Faulted(const std::string& error) {
  const MutexLock lock(store_.mutex_);
  FeedState& feed = store_.feeds_[index_];
  feed.last_fault = error;
  feed.last_fault_at = store_.clock_.Steady();
  ++feed.faults;
}

}  // namespace downwardfs::client
