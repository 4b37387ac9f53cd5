// SPDX-License-Identifier: Apache-2.0
//
// An object source that a test fills by hand. Callbacks run on the caller's thread, within Put()
// and Delete(). Any thread.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/object_source.h"

namespace downwardfs::testing {

class FakeSource final : public ObjectSource {
 public:
  /// Adds or replaces the object, whose JSON has kind and metadata.
  void Put(const std::string& json) EXCLUDES(mutex_);
  void Delete(const ObjectKey& key) EXCLUDES(mutex_);

  ObjectPtr Get(const ObjectKey& key) const override EXCLUDES(mutex_);
  std::vector<ObjectPtr> List(const std::string& kind) const override EXCLUDES(mutex_);
  std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) override
      EXCLUDES(mutex_);
  SourceState State() const override {
    SourceState state;
    state.description = "a fake";
    state.connected = true;
    return state;
  }

  /// Waits for a condition, for at most 20 s.
  static bool Eventually(const std::function<bool()>& condition);

 private:
  struct Subscriber {
    ObjectKey key;
    Callback callback;
  };
  class Handle;
  void Notify(const ObjectMeta& meta, const ObjectPtr& object) EXCLUDES(mutex_, calling_);

  mutable Mutex mutex_;
  Mutex calling_;  // held while callbacks run; taken before mutex_
  std::map<std::string, ObjectPtr> objects_ GUARDED_BY(mutex_);
  std::list<Subscriber> subscribers_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs::testing
