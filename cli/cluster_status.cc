// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster_status.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "fs/fuse/status_head.h"

namespace downwardfs {
namespace {

using nlohmann::json;

json KindOf(const ClusterSource::Progress& progress) {
  json out = {{"count", progress.objects}, {"loaded", progress.loaded}};
  if (!progress.last_error.empty()) out["lastError"] = progress.last_error;
  return out;
}

}  // namespace

ClusterStatus::ClusterStatus(std::string mount_point, const ClusterSource& source,
                             std::vector<std::string> namespaces)
    : mount_point_(std::move(mount_point)), source_(source), namespaces_(std::move(namespaces)) {}

void ClusterStatus::Attach(const ClusterTree* tree, const MountedTree* mount) {
  const MutexLock lock(mutex_);
  tree_ = tree;
  mount_ = mount;
}

std::string ClusterStatus::Json() const {
  const SourceState state = source_.State();
  const auto pods = source_.Pods();
  json out = StatusHead(mount_point_, started_, state);
  out["view"] = "cluster";
  out["server"] = state.description;
  out["loading"] = !pods.loaded;
  out["resourceVersion"] = state.resource_version;
  out["objects"] = {{"pods", KindOf(pods)}};
  if (source_.FollowsNodes()) out["objects"]["nodes"] = KindOf(source_.Nodes());
  if (source_.FollowsNamespaces()) out["objects"]["namespaces"] = KindOf(source_.Namespaces());
  out["namespaces"] = namespaces_.empty() ? json("all") : json(namespaces_);
  const MutexLock lock(mutex_);
  if (tree_ != nullptr) {
    const ClusterTree::Stats stats = tree_->GetStats();
    out["kernelInodes"] = stats.known_inodes;
    out["namesTakenBack"] = stats.names_taken_back;
    out["renderedObjects"] = stats.rendered_objects;
    out["files"] = stats.pods + stats.nodes;
  }
  if (mount_ != nullptr) {
    out["requests"] = mount_->requests();
    out["publishStuck"] = mount_->stuck();
  }
  return StatusText(out) + "\n";
}

}  // namespace downwardfs
