// SPDX-License-Identifier: Apache-2.0
#include "client/http/transport.h"

namespace downwardfs::client {

void Cancellation::Cancel() {
  const MutexLock lock(mutex_);
  if (cancelled_) return;
  cancelled_ = true;
  for (const auto& [id, hook] : hooks_) hook();
}

bool Cancellation::cancelled() const {
  const MutexLock lock(mutex_);
  return cancelled_;
}

int Cancellation::AddHook(std::function<void()> hook) {
  const MutexLock lock(mutex_);
  if (cancelled_) hook();
  hooks_.emplace(next_id_, std::move(hook));
  return next_id_++;
}

void Cancellation::RemoveHook(int id) {
  const MutexLock lock(mutex_);
  hooks_.erase(id);
}

}  // namespace downwardfs::client
