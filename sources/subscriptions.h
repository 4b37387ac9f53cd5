// SPDX-License-Identifier: Apache-2.0
//
// The subscribers of a source and the delivery of changes to them, as base/object_source.h promises
// it: one callback at a time, with no lock held, and a Subscription's destructor waits for a
// running call. The source owns this; Subscriptions may outlive it. Add() and destroying a
// Subscription: any thread. Deliver(): the source's thread alone.
#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/object_source.h"

namespace downwardfs {

/// See the head of this file.
class Subscriptions {
 public:
  Subscriptions();
  ~Subscriptions();
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  std::unique_ptr<ObjectSource::Subscription> Add(ObjectKey key, ObjectSource::Callback callback);

  /// Tells every subscriber of `before` or `after` (states of one namespace and name; null: none).
  /// A subscriber that asked for a uid that is gone hears nullptr.
  void Deliver(const ObjectPtr& before, const ObjectPtr& after);

 private:
  struct Entry {
    ObjectKey key;
    ObjectSource::Callback callback;
  };
  struct Shared {
    Mutex mutex;
    CondVar returned;
    std::vector<std::shared_ptr<Entry>> entries GUARDED_BY(mutex);
    const Entry* running GUARDED_BY(mutex) = nullptr;
  };
  class Handle;

  /// Marks `entry` as running unless it has been taken out.
  static bool Begin(Shared& shared, const std::shared_ptr<Entry>& entry);
  static void End(Shared& shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace downwardfs
