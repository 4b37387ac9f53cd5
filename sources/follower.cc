// SPDX-License-Identifier: Apache-2.0
#include "sources/follower.h"

#include <utility>

namespace downwardfs {

void Follower::Follow(std::shared_ptr<client::Transport> transport,
                      client::ReflectorOptions options) {
  options.on_outcome = [this,
                        told = std::move(options.on_outcome)](const client::ApiFailure* failure) {
    {
      const MutexLock lock(mutex_);
      answered_ = true;
    }
    changed_.NotifyAll();
    if (told) told(failure);
  };
  auto reflector =
      std::make_unique<client::Reflector>(std::move(transport), store_, std::move(options));
  const MutexLock lock(mutex_);
  reflectors_.push_back(std::move(reflector));
}

void Follower::Stop() {
  std::vector<std::unique_ptr<client::Reflector>> ended;
  {
    const MutexLock lock(mutex_);
    ended.swap(reflectors_);
  }
  ended.clear();  // their threads take the lock
  const MutexLock lock(mutex_);
  answered_ = false;
}

bool Follower::answered() const {
  const MutexLock lock(mutex_);
  return answered_;
}

void Follower::Await(std::chrono::steady_clock::time_point deadline) const {
  const MutexLock lock(mutex_);
  while (!answered_ && changed_.WaitUntil(mutex_, deadline)) {
  }
}

void Follower::Hurry() {
  const MutexLock lock(mutex_);
  for (const auto& reflector : reflectors_) reflector->Hurry();
}

client::ReflectorOptions OfOneObject(client::ReflectorOptions options) {
  options.streaming_lists = false;
  return options;
}

}  // namespace downwardfs
