// SPDX-License-Identifier: Apache-2.0
// How a change of the cluster comes into the tree, and which names the kernel must look up again.
#include <algorithm>
#include <utility>

#include "fs/cluster/cluster_tree.h"
#include "fs/cluster/file_names.h"

namespace downwardfs {
namespace {

bool IsAddressPath(const std::string& path) {
  return TreePath::Parse(path).kind == TreePath::Kind::kAddress;
}

}  // namespace

void ClusterTree::SetNotice(Notice notice) {
  const MutexLock lock(mutex_);
  notice_ = notice ? std::make_shared<const Notice>(std::move(notice)) : nullptr;
}

std::vector<ClusterTree::Known> ClusterTree::KnownAmong(std::vector<std::string> paths) const {
  std::vector<Known> known;
  if (table_.size() == 0) return known;
  for (std::string& path : paths) {
    const auto place = FindPlace(index_, TreePath::Parse(path));
    const InodeId id = place ? table_.IdOf(path, place->identity) : 0;
    if (id != 0) known.push_back({std::move(path), id});
  }
  return known;
}

// With the index changed: what is gone now, or is another inode.
void ClusterTree::TakeBackChanged(const std::vector<Known>& known, std::vector<TakenBack>& names) {
  for (const Known& was : known) {
    const auto place = FindPlace(index_, TreePath::Parse(was.path));
    if (place && table_.IdOf(was.path, place->identity) == was.id) continue;
    const KnownInode* const inode = table_.Find(was.id);
    names.push_back({inode->parent, std::string(inode->name())});
  }
}

void ClusterTree::TakeBackFiles(std::uint64_t owner, std::vector<TakenBack>& names) {
  for (const InodeId id : table_.FilesOf(owner)) {
    const KnownInode* const inode = table_.Find(id);
    names.push_back({inode->parent, std::string(inode->name())});
    table_.Disown(id);
  }
}

void ClusterTree::ApplyPod(const ObjectPtr& before, const ObjectPtr& after,
                           const ObjectSummary& summary, std::int64_t changed) {
  const ObjectMeta& meta = (after ? after : before)->meta();
  const std::string ns = ToFileName(meta.ns);
  const std::string name = ToFileName(meta.name);
  if (after) {
    index_.PutPod(ns, name, HashOf(meta.uid), summary, changed);
  } else {
    index_.RemovePod(ns, name);
  }
}

void ClusterTree::ApplyNode(const ObjectPtr& after, const std::string& name,
                            const ObjectSummary& summary, std::int64_t changed) {
  if (after) {
    index_.PutNode(name, HashOf(after->meta().uid), summary, changed);
  } else {
    index_.RemoveNode(name);
  }
}

void ClusterTree::Follow(const ObjectPtr& before, const ObjectPtr& after) {
  const ObjectMeta& meta = (after ? after : before)->meta();
  const ObjectSummary summary = after ? Summarize(after->Json()) : ObjectSummary();
  const bool same = before && after && before->meta().uid == after->meta().uid;
  const std::int64_t changed =
      same ? std::chrono::floor<std::chrono::seconds>(options_.clock->Wall().time_since_epoch())
                 .count()
           : 0;
  const std::string name = ToFileName(meta.name);
  std::vector<TakenBack> names;
  std::shared_ptr<const Notice> notice;
  {
    const MutexLock lock(mutex_);
    std::vector<Known> known;
    std::uint64_t owner = 0;
    if (meta.kind == "Pod") {
      std::vector<std::string> paths;
      if (const auto* pod = index_.FindPod(ToFileName(meta.ns), name)) {
        owner = pod->uid;
        paths = PathsOf(*pod);
      }
      // An address that it gets may have led to another pod. To resolve an address costs a look
      // at every pod that has it, so nobody asks while the kernel knows of none.
      if (table_.IdOf("by-ip", 0) == 0) {
        paths.erase(std::remove_if(paths.begin(), paths.end(), IsAddressPath), paths.end());
      } else {
        for (const std::string& ip : summary.ips) paths.push_back("by-ip/" + ToFileName(ip));
        std::sort(paths.begin(), paths.end());
        paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
      }
      known = KnownAmong(std::move(paths));
      ApplyPod(before, after, summary, changed);
    } else if (meta.kind == "Node") {
      if (const auto* node = index_.FindNode(name)) {
        owner = node->uid;
        known = KnownAmong(PathsOfNode(name));
      }
      ApplyNode(after, name, summary, changed);
    } else if (meta.kind == "Namespace") {
      known = KnownAmong({"namespaces/" + name, "namespaces/" + name + "/pods"});
      if (after) {
        index_.PutNamespace(name, summary);
      } else {
        index_.RemoveNamespace(name);
      }
    }
    TakeBackChanged(known, names);
    if (owner != 0) TakeBackFiles(owner, names);
    taken_back_ += names.size();
    notice = notice_;
  }
  if (!notice) return;
  for (const TakenBack& taken : names) (*notice)(taken.directory, taken.name);
}

}  // namespace downwardfs
