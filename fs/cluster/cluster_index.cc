// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/cluster_index.h"

#include <algorithm>

#include "fs/cluster/file_names.h"

namespace downwardfs {
namespace {

template <class Map>
auto* FindIn(Map& map, std::string_view name) {
  const auto at = map.find(name);
  return at == map.end() ? nullptr : &at->second;
}

template <class Map>
auto& Made(Map& map, std::string_view name) {
  auto at = map.find(name);
  if (at == map.end()) {
    at = map.try_emplace(std::string(name)).first;
    at->second.name = &at->first;
  }
  return at->second;
}

// Takes `pod` out of a list in which it knows its place, in constant time.
void TakeOut(std::vector<ClusterIndex::PodRecord*>& list,
             std::uint32_t ClusterIndex::PodRecord::*place, const ClusterIndex::PodRecord& pod) {
  ClusterIndex::PodRecord* const last = list.back();
  list[pod.*place] = last;
  last->*place = pod.*place;
  list.pop_back();
}

}  // namespace

ClusterIndex::NamespaceRecord& ClusterIndex::Namespace(std::string_view name) {
  return Made(namespaces_, name);
}

ClusterIndex::NodeRecord& ClusterIndex::Node(std::string_view name) {
  return Made(nodes_, name);
}

ClusterIndex::PodRecord& ClusterIndex::PutPod(std::string_view ns, std::string_view name,
                                              std::uint64_t uid, const ObjectSummary& summary,
                                              std::int64_t changed) {
  NamespaceRecord& owner = Namespace(ns);
  PodRecord& pod = Made(owner.pods, name);
  if (pod.ns == nullptr) {
    pod.ns = &owner;
    ++pods_;
  }
  ++owner.generation;
  // Never a number that the pod has had, also not under a name that was used before.
  pod.generation = ++generations_;
  pod.uid = uid;
  pod.created = summary.created;
  pod.changed = changed != 0 ? changed : summary.changed;
  Bind(pod, summary);
  return pod;
}

// The entries of the pod in the other maps. Mostly none has changed.
void ClusterIndex::Bind(PodRecord& pod, const ObjectSummary& summary) {
  if (pod.labels == nullptr || *pod.labels->labels != summary.labels) {
    RemoveLabels(pod);
    AddLabels(pod, summary.labels);
  }
  std::string ips;
  for (const std::string& ip : summary.ips) {
    if (!ips.empty()) ips += ',';
    ips += ToFileName(ip);
  }
  pod.host_network = summary.host_network;
  pod.finished = summary.finished;
  if (ips != pod.ips) {
    RemoveAddresses(pod);
    pod.ips = std::move(ips);
    AddAddresses(pod);
  }
  NodeRecord* const node = summary.node.empty() ? nullptr : &Node(ToFileName(summary.node));
  if (node == pod.node) return;
  NodeRecord* const before = pod.node;
  if (before != nullptr) TakeOut(before->pods, &PodRecord::at_node, pod);
  pod.node = node;
  if (node != nullptr) {
    pod.at_node = static_cast<std::uint32_t>(node->pods.size());
    node->pods.push_back(&pod);
  }
  if (before != nullptr) DropIfEmpty(*before);
}

void ClusterIndex::Unbind(PodRecord& pod) {
  RemoveLabels(pod);
  RemoveAddresses(pod);
  NodeRecord* const node = pod.node;
  if (node == nullptr) return;
  TakeOut(node->pods, &PodRecord::at_node, pod);
  DropIfEmpty(*node);
}

void ClusterIndex::RemovePod(std::string_view ns, std::string_view name) {
  NamespaceRecord* const owner = FindIn(namespaces_, ns);
  if (owner == nullptr) return;
  const auto at = owner->pods.find(name);
  if (at == owner->pods.end()) return;
  Unbind(at->second);
  owner->pods.erase(at);
  ++owner->generation;
  --pods_;
  DropIfEmpty(*owner);
}

void ClusterIndex::AddLabels(PodRecord& pod, const Labels& labels) {
  const auto [at, is_new] = label_sets_.try_emplace(labels);
  LabelSet& set = at->second;
  if (is_new) {
    set.labels = &at->first;
    for (const auto& [key, value] : labels) {
      labels_[ToFileName(key)][ToFileName(value)].insert(&set);
    }
  }
  pod.labels = &set;
  pod.at_labels = static_cast<std::uint32_t>(set.pods.size());
  set.pods.push_back(&pod);
}

void ClusterIndex::RemoveLabels(PodRecord& pod) {
  LabelSet* const set = pod.labels;
  if (set == nullptr) return;
  pod.labels = nullptr;
  TakeOut(set->pods, &PodRecord::at_labels, pod);
  if (!set->pods.empty()) return;
  for (const auto& [key, value] : *set->labels) {
    const auto values = labels_.find(ToFileName(key));
    if (values == labels_.end()) continue;
    const auto sets = values->second.find(ToFileName(value));
    if (sets == values->second.end()) continue;
    sets->second.erase(set);
    if (sets->second.empty()) values->second.erase(sets);
    if (values->second.empty()) labels_.erase(values);
  }
  label_sets_.erase(label_sets_.find(*set->labels));
}

void ClusterIndex::AddAddresses(PodRecord& pod) {
  EachAddress(pod, [&](std::string_view ip) { addresses_[std::string(ip)].push_back(&pod); });
}

void ClusterIndex::RemoveAddresses(PodRecord& pod) {
  EachAddress(pod, [&](std::string_view ip) {
    const auto at = addresses_.find(ip);
    if (at == addresses_.end()) return;
    at->second.erase(std::remove(at->second.begin(), at->second.end(), &pod), at->second.end());
    if (at->second.empty()) addresses_.erase(at);
  });
}

void ClusterIndex::DropIfEmpty(NamespaceRecord& record) {
  if (record.exists || record.pinned || !record.pods.empty()) return;
  namespaces_.erase(namespaces_.find(*record.name));
}

void ClusterIndex::DropIfEmpty(NodeRecord& record) {
  if (record.exists || !record.pods.empty()) return;
  nodes_.erase(nodes_.find(*record.name));
}

void ClusterIndex::PutNode(std::string_view name, std::uint64_t uid, const ObjectSummary& summary,
                           std::int64_t changed) {
  NodeRecord& node = Node(name);
  node.exists = true;
  node.generation = ++generations_;
  node.uid = uid;
  node.created = summary.created;
  node.changed = changed != 0 ? changed : summary.changed;
}

void ClusterIndex::RemoveNode(std::string_view name) {
  NodeRecord* const node = FindIn(nodes_, name);
  if (node == nullptr) return;
  node->exists = false;
  node->generation = ++generations_;
  DropIfEmpty(*node);
}

void ClusterIndex::PutNamespace(std::string_view name, const ObjectSummary& summary) {
  NamespaceRecord& record = Namespace(name);
  record.exists = true;
  record.created = summary.created;
}

void ClusterIndex::RemoveNamespace(std::string_view name) {
  NamespaceRecord* const record = FindIn(namespaces_, name);
  if (record == nullptr) return;
  record->exists = false;
  DropIfEmpty(*record);
}

void ClusterIndex::PinNamespace(std::string_view name) {
  Namespace(name).pinned = true;
}

const ClusterIndex::PodRecord* ClusterIndex::FindPod(std::string_view ns,
                                                     std::string_view name) const {
  const NamespaceRecord* const owner = FindIn(namespaces_, ns);
  return owner == nullptr ? nullptr : FindIn(owner->pods, name);
}

const ClusterIndex::NodeRecord* ClusterIndex::FindNode(std::string_view name) const {
  return FindIn(nodes_, name);
}

const ClusterIndex::NamespaceRecord* ClusterIndex::FindNamespace(std::string_view name) const {
  return FindIn(namespaces_, name);
}

const ClusterIndex::LabelKey* ClusterIndex::FindLabelKey(std::string_view key) const {
  return FindIn(labels_, key);
}

const ClusterIndex::LabelValue* ClusterIndex::FindLabelValue(std::string_view key,
                                                             std::string_view value) const {
  const LabelKey* const values = FindLabelKey(key);
  return values == nullptr ? nullptr : FindIn(*values, value);
}

const std::vector<ClusterIndex::PodRecord*>* ClusterIndex::FindAddress(std::string_view ip) const {
  return FindIn(addresses_, ip);
}

}  // namespace downwardfs
