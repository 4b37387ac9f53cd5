// SPDX-License-Identifier: Apache-2.0
//
// The objects of the cluster, by the names of the tree: namespaces with their pods, nodes with
// theirs, labels, addresses. No contents: those are in the source's store, packed. About 350 bytes
// per pod; pods with the same labels (replicas) share one set of them, which knows its pods, so
// that a label costs a pod nothing.
//
// All names are file names (file_names.h). Owned by ClusterTree, which guards it with its mutex; no
// method takes a lock or touches a store.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs/cluster/object_summary.h"

namespace downwardfs {

class ClusterIndex {
 public:
  struct PodRecord;
  template <class T>
  using ByName = std::map<std::string, T, std::less<>>;

  /// Pods with the same labels.
  struct LabelSet {
    const Labels* labels = nullptr;  ///< as they are, not as file names
    std::vector<PodRecord*> pods;
  };
  struct NodeRecord {
    const std::string* name = nullptr;
    bool exists = false;  ///< as an object; without it pods name it, no more
    std::uint64_t uid = 0;
    std::int64_t created = 0;
    std::int64_t changed = 0;
    std::uint32_t generation = 0;
    std::vector<PodRecord*> pods;
  };
  struct NamespaceRecord {
    const std::string* name = nullptr;
    bool exists = false;  ///< as an object
    bool pinned = false;  ///< asked for by name
    std::int64_t created = 0;
    std::uint64_t generation = 0;  ///< grows with each change of a pod in it
    ByName<PodRecord> pods;
  };
  struct PodRecord {
    const std::string* name = nullptr;
    NamespaceRecord* ns = nullptr;
    NodeRecord* node = nullptr;  ///< null: not bound
    LabelSet* labels = nullptr;
    std::uint64_t uid = 0;  ///< its hash
    std::int64_t created = 0;
    std::int64_t changed = 0;      ///< when it was last seen to change, or what it says of itself
    std::uint32_t generation = 0;  ///< of its content
    std::uint32_t at_node = 0;     // its places in the lists of others
    std::uint32_t at_labels = 0;
    bool host_network = false;
    bool finished = false;
    std::string ips;  ///< with a comma between
  };
  using LabelValue = std::set<LabelSet*>;
  using LabelKey = ByName<LabelValue>;

  ClusterIndex() = default;
  ClusterIndex(const ClusterIndex&) = delete;
  ClusterIndex& operator=(const ClusterIndex&) = delete;

  /// Makes or changes; `changed` 0: what the summary says. A record keeps its place.
  PodRecord& PutPod(std::string_view ns, std::string_view name, std::uint64_t uid,
                    const ObjectSummary& summary, std::int64_t changed);
  void RemovePod(std::string_view ns, std::string_view name);
  void PutNode(std::string_view name, std::uint64_t uid, const ObjectSummary& summary,
               std::int64_t changed);
  void RemoveNode(std::string_view name);
  void PutNamespace(std::string_view name, const ObjectSummary& summary);
  void RemoveNamespace(std::string_view name);
  /// It is there whether or not there is such an object.
  void PinNamespace(std::string_view name);

  const PodRecord* FindPod(std::string_view ns, std::string_view name) const;
  const NodeRecord* FindNode(std::string_view name) const;
  const NamespaceRecord* FindNamespace(std::string_view name) const;
  const LabelKey* FindLabelKey(std::string_view key) const;
  const LabelValue* FindLabelValue(std::string_view key, std::string_view value) const;
  /// The pods with that address; null if no pod has it.
  const std::vector<PodRecord*>* FindAddress(std::string_view ip) const;

  const ByName<NamespaceRecord>& namespaces() const { return namespaces_; }
  const ByName<NodeRecord>& nodes() const { return nodes_; }
  const ByName<LabelKey>& labels() const { return labels_; }
  const ByName<std::vector<PodRecord*>>& addresses() const { return addresses_; }
  std::size_t pods() const { return pods_; }

 private:
  NamespaceRecord& Namespace(std::string_view name);
  NodeRecord& Node(std::string_view name);
  void Bind(PodRecord& pod, const ObjectSummary& summary);
  void Unbind(PodRecord& pod);
  void AddLabels(PodRecord& pod, const Labels& labels);
  void RemoveLabels(PodRecord& pod);
  void AddAddresses(PodRecord& pod);
  void RemoveAddresses(PodRecord& pod);
  void DropIfEmpty(NamespaceRecord& record);
  void DropIfEmpty(NodeRecord& record);

  ByName<NamespaceRecord> namespaces_;
  ByName<NodeRecord> nodes_;
  ByName<LabelKey> labels_;
  std::map<Labels, LabelSet> label_sets_;
  ByName<std::vector<PodRecord*>> addresses_;
  std::size_t pods_ = 0;
  std::uint32_t generations_ = 0;
};

/// Calls `visit` with each address of the pod.
template <class Visit>
void EachAddress(const ClusterIndex::PodRecord& pod, Visit visit) {
  const std::string_view all = pod.ips;
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(all.find(',', begin), all.size());
    visit(all.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace downwardfs
