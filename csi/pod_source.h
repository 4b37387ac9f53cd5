// SPDX-License-Identifier: Apache-2.0
//
// The part of the node's objects that one pod's volume may see: the pod, and of its node only what
// every pod may know (status.allocatable, the fallback of its own limits) unless its ServiceAccount
// may read the node. The pod's namespace, if its ServiceAccount may read that. A static pod's
// mirror has another uid than the kubelet gave; here it has that one.
//
// All methods may be called by any thread, as the interface says. The objects outlive it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/object_source.h"
#include "csi/node_objects.h"

namespace downwardfs {

class PodSource final : public ObjectSource {
 public:
  /// `pod`: with the uid that the API server has.
  PodSource(NodeObjects& objects, ObjectKey pod) : objects_(objects), pod_(std::move(pod)) {}

  const ObjectKey& pod() const { return pod_; }

  /// The whole Node, or the pod's Namespace (by `kind`), shows from now on, or no longer; `why`
  /// stands in the state where it does not.
  void Allow(const std::string& kind, bool allowed, std::string why) EXCLUDES(mutex_);
  bool allows(const std::string& kind) const EXCLUDES(mutex_);

  ObjectPtr Get(const ObjectKey& key) const override EXCLUDES(mutex_);
  std::vector<ObjectPtr> List(const std::string& kind) const override;
  std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) override;
  void Require(const ObjectKey& key) override;
  SourceState State() const override EXCLUDES(mutex_);
  bool IsServer() const override { return true; }

 private:
  NodeObjects& objects_;
  const ObjectKey pod_;
  struct Right {
    bool allowed = false;
    std::string why_not;
  };
  std::shared_ptr<Follower> Namespace() const EXCLUDES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Right> rights_ GUARDED_BY(mutex_);  // by kind
  std::shared_ptr<Follower> namespace_ GUARDED_BY(mutex_);  // null until it is required
};

}  // namespace downwardfs
