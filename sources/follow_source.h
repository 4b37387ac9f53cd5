// SPDX-License-Identifier: Apache-2.0
//
// One pod of an API server, followed by list and watch with the field selector metadata.name=, for
// commands that stay (mount, write). Its node and its namespace are followed in the same way from
// when they are required; where they may not be read, they stay unknown, State() says why, and it
// is tried again. The pod is the one that was first seen: Open() binds the key to its uid.
//
// Owned by main(). Three threads at most: a reflector's for the pod, for the node and for the
// namespace. Require() is for one thread at a time. State() speaks of the pod's watch: another
// object that is out of reach shows in last_error alone.
// The stores' locks and the followers' are never held while mutex_ is taken, nor the other way
// round.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/object_source.h"
#include "base/result.h"
#include "client/store/object_store.h"
#include "sources/answer_wait.h"
#include "sources/follower.h"
#include "sources/server_access.h"

namespace downwardfs {

/// See the head of this file.
class FollowSource final : public ObjectSource {
 public:
  struct Options {
    ObjectKey pod;
    /// How long to wait for the server and the pod; nothing: for ever; zero: for one answer.
    std::optional<std::chrono::milliseconds> wait;
    bool nodes = true;  ///< false: the node stays unknown
    int stop_fd = -1;   ///< readable: stop waiting (a signalfd), for the node too; -1: none
    /// Told what is waited for, as standard error is.
    std::function<void(const std::string&)> on_waiting = {};
  };

  /// Begins to follow the pod and waits until it is there, saying at standard error what for.
  /// Fails at once where waiting does not help. With a uid in its key the pod is one that was there
  /// before: the server's answer is waited for, but not the pod, which may be gone for good.
  static Result<std::unique_ptr<FollowSource>> Open(const ServerAccess& access,
                                                    const Options& options);
  ~FollowSource() override;

  /// The view is served now: from here on Require() does not wait for an object's first answer,
  /// which comes as a change like any other, so that nothing holds up the end of the command.
  void Serving() { serving_ = true; }

  /// The pod's key, with its uid.
  const ObjectKey& pod() const { return pod_; }

  ObjectPtr Get(const ObjectKey& key) const override;
  std::vector<ObjectPtr> List(const std::string& kind) const override;
  std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) override;
  void Require(const ObjectKey& key) override;
  SourceState State() const override EXCLUDES(mutex_);
  bool IsServer() const override { return true; }

 private:
  // How the latest attempt to follow the pod ended.
  struct Outcome {
    std::optional<client::ApiFailure> failure;
    bool listed = false;   ///< once: the store knows whether there is such a pod
    bool watched = false;  ///< a watch has run, if only for a moment
  };

  FollowSource(const ServerAccess& access, const Options& options, AnswerWait waiting);
  Status AwaitPod(const Options& options);
  std::string Missing() const;
  void OnPodOutcome(const client::ApiFailure* failure) EXCLUDES(mutex_);
  void Await(const Follower& other) const;
  Follower& Of(const std::string& kind) {
    return kind == "Node" ? nodes_ : kind == "Namespace" ? namespaces_ : pods_;
  }
  const Follower& Of(const std::string& kind) const {
    return kind == "Node" ? nodes_ : kind == "Namespace" ? namespaces_ : pods_;
  }

  const std::shared_ptr<client::Transport> transport_;
  const bool follow_nodes_;
  ObjectKey pod_;
  AnswerWait waiting_;
  std::atomic<bool> serving_ = false;
  std::map<std::string, std::string> required_;  // a name by kind; of Require() alone
  mutable Mutex mutex_;
  Outcome pod_outcome_ GUARDED_BY(mutex_);

  // Last: they use the others.
  Follower pods_;
  Follower nodes_;
  Follower namespaces_;
};

}  // namespace downwardfs
