// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/fake_source.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace downwardfs::testing {
namespace {

std::string MapKey(const std::string& kind, const std::string& ns, const std::string& name) {
  return kind + "/" + ns + "/" + name;
}

}  // namespace

class FakeSource::Handle final : public Subscription {
 public:
  Handle(FakeSource& source, std::list<Subscriber>::iterator at) : source_(source), at_(at) {}
  ~Handle() override {
    MutexLock calling(source_.calling_);
    MutexLock lock(source_.mutex_);
    source_.subscribers_.erase(at_);
  }

 private:
  FakeSource& source_;
  std::list<Subscriber>::iterator at_;
};

void FakeSource::Put(const std::string& json) {
  const auto root = nlohmann::json::parse(json);
  const auto& metadata = root.at("metadata");
  ObjectMeta meta{root.at("kind"), metadata.value("namespace", ""), metadata.value("name", ""),
                  metadata.value("uid", ""), metadata.value("resourceVersion", "")};
  auto object = std::make_shared<const TextObject>(meta, json);
  {
    MutexLock lock(mutex_);
    objects_[MapKey(meta.kind, meta.ns, meta.name)] = object;
  }
  Notify(meta, object);
}

void FakeSource::Delete(const ObjectKey& key) {
  {
    MutexLock lock(mutex_);
    objects_.erase(MapKey(key.kind, key.ns, key.name));
  }
  Notify(ObjectMeta{key.kind, key.ns, key.name, key.uid, ""}, nullptr);
}

void FakeSource::Notify(const ObjectMeta& meta, const ObjectPtr& object) {
  MutexLock calling(calling_);
  std::vector<Callback> callbacks;
  {
    MutexLock lock(mutex_);
    for (const Subscriber& subscriber : subscribers_) {
      if (subscriber.key.Matches(meta)) callbacks.push_back(subscriber.callback);
    }
  }
  for (const Callback& callback : callbacks) callback(object);
}

ObjectPtr FakeSource::Get(const ObjectKey& key) const {
  MutexLock lock(mutex_);
  const auto it = objects_.find(MapKey(key.kind, key.ns, key.name));
  return it != objects_.end() && key.Matches(it->second->meta()) ? it->second : nullptr;
}

std::vector<ObjectPtr> FakeSource::List(const std::string& kind) const {
  MutexLock lock(mutex_);
  std::vector<ObjectPtr> out;
  for (const auto& [name, object] : objects_) {
    if (object->meta().kind == kind) out.push_back(object);
  }
  return out;
}

std::unique_ptr<ObjectSource::Subscription> FakeSource::Subscribe(ObjectKey key,
                                                                  Callback callback) {
  MutexLock lock(mutex_);
  subscribers_.push_front({std::move(key), std::move(callback)});
  return std::make_unique<Handle>(*this, subscribers_.begin());
}

bool FakeSource::Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace downwardfs::testing
