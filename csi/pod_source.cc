// SPDX-License-Identifier: Apache-2.0
#include "csi/pod_source.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace downwardfs {
namespace {

// Of a Node, what a pod may know without a right: the fallback of its own limits.
class AllocatableOnly final : public Object {
 public:
  explicit AllocatableOnly(ObjectPtr node) : Object(node->meta()), node_(std::move(node)) {}
  std::string Json() const override {
    const auto whole = nlohmann::json::parse(node_->Json(), nullptr, /*allow_exceptions=*/false);
    nlohmann::json part = {
        {"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", meta().name}}}};
    const nlohmann::json::json_pointer allocatable("/status/allocatable");
    if (whole.contains(allocatable)) part["status"]["allocatable"] = whole[allocatable];
    return part.dump();
  }

 private:
  const ObjectPtr node_;
};

}  // namespace

void PodSource::Allow(const std::string& kind, bool allowed, std::string why) {
  MutexLock lock(mutex_);
  rights_[kind] = {allowed, std::move(why)};
}

bool PodSource::allows(const std::string& kind) const {
  MutexLock lock(mutex_);
  const auto right = rights_.find(kind);
  return right != rights_.end() && right->second.allowed;
}

std::shared_ptr<Follower> PodSource::Namespace() const {
  MutexLock lock(mutex_);
  return namespace_;
}

ObjectPtr PodSource::Get(const ObjectKey& key) const {
  if (key.kind == "Pod") {
    return key.ns == pod_.ns && key.name == pod_.name ? objects_.pods().Get(pod_) : nullptr;
  }
  if (key.kind == "Namespace") {
    const auto followed = Namespace();
    const bool shows = followed && key.name == pod_.ns && allows(key.kind);
    return shows ? followed->store().Get(key) : nullptr;
  }
  if (key.kind != "Node" || key.name != objects_.node_name()) return nullptr;
  ObjectPtr node = objects_.nodes().Get(key);
  if (!node || allows(key.kind)) return node;
  return std::make_shared<AllocatableOnly>(std::move(node));
}

std::vector<ObjectPtr> PodSource::List(const std::string& kind) const {
  std::vector<ObjectPtr> all;
  if (kind != "Pod") return all;
  if (auto pod = Get(pod_)) all.push_back(std::move(pod));
  return all;
}

std::unique_ptr<ObjectSource::Subscription> PodSource::Subscribe(ObjectKey key, Callback callback) {
  if (key.kind == "Namespace") {
    Require(key);
    const auto followed = Namespace();
    if (followed) return followed->store().Subscribe(std::move(key), std::move(callback));
  }
  client::ObjectStore& store = key.kind == "Node" ? objects_.nodes() : objects_.pods();
  return store.Subscribe(std::move(key), std::move(callback));
}

void PodSource::Require(const ObjectKey& key) {
  if (key.kind == "Node" && key.name == objects_.node_name()) objects_.RequireNode();
  if (key.kind != "Namespace" || key.name != pod_.ns || Namespace()) return;
  auto followed = objects_.FollowNamespace(pod_.ns);
  MutexLock lock(mutex_);
  namespace_ = std::move(followed);
}

SourceState PodSource::State() const {
  SourceState state = objects_.pods().State();
  MutexLock lock(mutex_);
  for (const auto& [kind, right] : rights_) {
    if (state.last_error.empty()) state.last_error = right.why_not;
  }
  if (state.last_error.empty()) state.last_error = objects_.nodes().State().last_error;
  if (state.last_error.empty() && namespace_) {
    state.last_error = namespace_->store().State().last_error;
  }
  return state;
}

}  // namespace downwardfs
