// SPDX-License-Identifier: Apache-2.0
#include "sources/subscriptions.h"

#include <algorithm>
#include <utility>

namespace downwardfs {

// The handle that the subscriber holds.
class Subscriptions::Handle final : public ObjectSource::Subscription {
 public:
  Handle(std::shared_ptr<Shared> shared, std::shared_ptr<Entry> entry)
      : shared_(std::move(shared)), entry_(std::move(entry)) {}

  ~Handle() override {
    const MutexLock lock(shared_->mutex);
    auto& entries = shared_->entries;
    entries.erase(std::remove(entries.begin(), entries.end(), entry_), entries.end());
    while (shared_->running == entry_.get()) shared_->returned.Wait(shared_->mutex);
  }

 private:
  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<Entry> entry_;
};

Subscriptions::Subscriptions() : shared_(std::make_shared<Shared>()) {}
Subscriptions::~Subscriptions() = default;

std::unique_ptr<ObjectSource::Subscription> Subscriptions::Add(ObjectKey key,
                                                               ObjectSource::Callback callback) {
  auto entry = std::make_shared<Entry>(Entry{std::move(key), std::move(callback)});
  {
    const MutexLock lock(shared_->mutex);
    shared_->entries.push_back(entry);
  }
  return std::make_unique<Handle>(shared_, std::move(entry));
}

bool Subscriptions::Begin(Shared& shared, const std::shared_ptr<Entry>& entry) {
  const MutexLock lock(shared.mutex);
  const auto end = shared.entries.end();
  if (std::find(shared.entries.begin(), end, entry) == end) return false;
  shared.running = entry.get();
  return true;
}

void Subscriptions::End(Shared& shared) {
  {
    const MutexLock lock(shared.mutex);
    shared.running = nullptr;
  }
  shared.returned.NotifyAll();
}

void Subscriptions::Deliver(const ObjectPtr& before, const ObjectPtr& after) {
  std::vector<std::shared_ptr<Entry>> entries;
  {
    const MutexLock lock(shared_->mutex);
    entries = shared_->entries;
  }
  for (const auto& entry : entries) {
    const bool now = after && entry->key.Matches(after->meta());
    if (!now && !(before && entry->key.Matches(before->meta()))) continue;
    if (!Begin(*shared_, entry)) continue;
    entry->callback(now ? after : nullptr);
    End(*shared_);
  }
}

}  // namespace downwardfs
