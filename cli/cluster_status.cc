// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster_status.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/version.h"

namespace downwardfs {
namespace {

using nlohmann::json;

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

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
  json out = {
      {"version", Version()},
      {"mountPoint", mount_point_},
      {"view", "cluster"},
      {"daemonPid", getpid()},
      {"holderPid", nullptr},  // one process serves and holds this mount
      {"generation", 1},
      {"deaths", 0},
      {"uptimeSeconds", Seconds(std::chrono::steady_clock::now() - started_)},
      {"source", state.description},
      {"server", state.description},
      {"connected", state.connected},
      {"loading", !pods.loaded},
      {"dataAgeSeconds", Seconds(state.data_age)},
      {"resourceVersion", state.resource_version},
      {"lastError", state.last_error},
      {"lastFault", state.last_fault},
      {"faults", state.faults},
      {"objects", {{"pods", KindOf(pods)}}},
  };
  if (source_.FollowsNodes()) out["objects"]["nodes"] = KindOf(source_.Nodes());
  if (source_.FollowsNamespaces()) out["objects"]["namespaces"] = KindOf(source_.Namespaces());
  out["namespaces"] = namespaces_.empty() ? json("all") : json(namespaces_);
  out["requests"] = json::object();
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
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace downwardfs
