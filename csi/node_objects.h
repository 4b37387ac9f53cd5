// SPDX-License-Identifier: Apache-2.0
//
// The pods of this node, the node, and the pods' namespaces, as the plugin follows them: one watch
// with the field selector spec.nodeName=, shared by all volumes, a second one for the Node from
// when a volume needs it, and one for each Namespace that a volume shows something of.
//
// One owner; all methods but the destructor may be called by any thread. A method that waits says
// so and ends with `stop`.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/object_source.h"
#include "base/result.h"
#include "client/store/object_store.h"
#include "sources/follower.h"
#include "sources/server_access.h"

namespace downwardfs {

class NodeObjects {
 public:
  NodeObjects(const ServerAccess& access, std::string node);
  ~NodeObjects();

  /// The pod with that uid: from the store, or, where the watch is not that far yet, from the
  /// server directly. A static pod's kubelet knows it by its annotation kubernetes.io/config.hash,
  /// the server by the mirror pod's uid. kNotFound where there is no such pod, kFailedPrecondition
  /// where it is another one or on another node, kUnavailable where the server is out of reach.
  Result<ObjectPtr> AwaitPod(const ObjectKey& pod, std::chrono::steady_clock::time_point deadline,
                             const std::function<bool()>& stop);

  /// Follows the Node from now on and waits a moment for the first answer.
  void RequireNode() EXCLUDES(mutex_);

  /// The Namespace, followed as long as somebody holds it; waits a moment for the first answer.
  std::shared_ptr<Follower> FollowNamespace(const std::string& name) EXCLUDES(mutex_);

  client::ObjectStore& pods() { return pods_.store(); }
  client::ObjectStore& nodes() { return nodes_.store(); }
  const client::ObjectStore& pods() const { return pods_.store(); }
  const client::ObjectStore& nodes() const { return nodes_.store(); }
  const std::string& node_name() const { return node_; }
  const std::shared_ptr<client::Transport>& transport() const { return transport_; }

 private:
  Status Check(const ObjectKey& pod, const Object& found) const;
  Result<ObjectPtr> Ask(const ObjectKey& pod, std::chrono::steady_clock::time_point deadline) const;
  /// Asks the server; nothing if as many others do as may.
  std::optional<Result<ObjectPtr>> AskInTurn(const ObjectKey& pod,
                                             std::chrono::steady_clock::time_point deadline)
      EXCLUDES(mutex_);

  const std::shared_ptr<client::Transport> transport_;
  const std::string node_;
  Mutex mutex_;
  CondVar changed_;
  std::uint64_t changes_ GUARDED_BY(mutex_) = 0;
  int asking_ GUARDED_BY(mutex_) = 0;
  bool node_required_ GUARDED_BY(mutex_) = false;
  std::map<std::string, std::weak_ptr<Follower>> namespaces_ GUARDED_BY(mutex_);
  // Last: they use the others.
  Follower pods_;
  Follower nodes_;
  std::unique_ptr<ObjectSource::Subscription> any_pod_;
};

}  // namespace downwardfs
