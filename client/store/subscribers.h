// SPDX-License-Identifier: Apache-2.0
//
// The subscribers, and the changes that each wants to hear of. Owned by one store, which guards it
// with its mutex and runs the collected calls after letting go of it. The calls themselves may be
// made by one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/object_source.h"
#include "client/store/packed_object.h"

namespace downwardfs::client {

/// The change of one object: `before` is null if it is new, `after` if it is gone.
using ChangeCallback = std::function<void(const ObjectPtr& before, const ObjectPtr& after)>;

/// One registered callback. Shared by the registry and the caller's Subscription.
class Subscriber {
 public:
  explicit Subscriber(ChangeCallback callback) : callback_(std::move(callback)) {}

  /// Calls back, unless Stop() was called before.
  void Call(const ObjectPtr& before, const ObjectPtr& after);
  /// No call begins after this; returns when a running one has ended.
  void Stop();

 private:
  const ChangeCallback callback_;
  Mutex mutex_;
  CondVar idle_;
  bool running_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

using SubscriberPtr = std::shared_ptr<Subscriber>;

/// Subscribers by the object or the kind that they want. Not thread-safe.
class Subscribers {
 public:
  enum class Topic { kObject, kKind };

  /// The text under which a topic is filed.
  static std::string ObjectTopic(const ObjectId& id);

  void Add(Topic topic, const std::string& text, SubscriberPtr subscriber);
  void Remove(Topic topic, const std::string& text, const Subscriber* subscriber);

  /// Appends everyone who wants to know about a change of this object.
  void Find(const PackedObject& before, const PackedObject& after,
            std::vector<SubscriberPtr>* found) const;

 private:
  using Index = std::unordered_map<std::string, std::vector<SubscriberPtr>>;
  Index& Of(Topic topic) { return indexes_[static_cast<std::size_t>(topic)]; }
  void FindIn(Topic topic, const std::string& text, std::vector<SubscriberPtr>* found) const;

  Index indexes_[2];
};

}  // namespace downwardfs::client
