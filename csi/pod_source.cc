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

void PodSource::AllowNode(bool allowed, std::string why) {
  MutexLock lock(mutex_);
  node_allowed_ = allowed;
  why_not_ = std::move(why);
}

bool PodSource::allows_node() const {
  MutexLock lock(mutex_);
  return node_allowed_;
}

ObjectPtr PodSource::Get(const ObjectKey& key) const {
  if (key.kind == "Pod") {
    return key.ns == pod_.ns && key.name == pod_.name ? objects_.pods().Get(pod_) : nullptr;
  }
  if (key.kind != "Node" || key.name != objects_.node_name()) return nullptr;
  ObjectPtr node = objects_.nodes().Get(key);
  if (!node || allows_node()) return node;
  return std::make_shared<AllocatableOnly>(std::move(node));
}

std::vector<ObjectPtr> PodSource::List(const std::string& kind) const {
  std::vector<ObjectPtr> all;
  if (kind != "Pod") return all;
  if (auto pod = Get(pod_)) all.push_back(std::move(pod));
  return all;
}

std::unique_ptr<ObjectSource::Subscription> PodSource::Subscribe(ObjectKey key, Callback callback) {
  client::ObjectStore& store = key.kind == "Node" ? objects_.nodes() : objects_.pods();
  return store.Subscribe(std::move(key), std::move(callback));
}

void PodSource::Require(const ObjectKey& key) {
  if (key.kind == "Node" && key.name == objects_.node_name()) objects_.RequireNode();
}

SourceState PodSource::State() const {
  SourceState state = objects_.pods().State();
  if (state.last_error.empty()) {
    MutexLock lock(mutex_);
    state.last_error = why_not_;
  }
  if (state.last_error.empty()) state.last_error = objects_.nodes().State().last_error;
  return state;
}

}  // namespace downwardfs
