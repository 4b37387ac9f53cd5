// SPDX-License-Identifier: Apache-2.0
//
// The pods, nodes and namespaces of a cluster, or the pods of some namespaces, followed by list and
// watch for the cluster tree. Pods are what it is about: if they may not be read, Open() fails.
// Nodes and namespaces are shown where they may be read and tried again where not.
//
// Owned by main(). One reflector's thread per kind (and namespace); changes are told on the
// transport's thread or a reflector's, one at a time per kind. Objects are in the stores from
// the first one on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/object_source.h"
#include "base/result.h"
#include "client/store/object_store.h"
#include "client/watch/reflector.h"
#include "sources/answer_wait.h"
#include "sources/follower.h"
#include "sources/server_access.h"

namespace downwardfs {

/// See the head of this file.
class ClusterSource final : public ObjectSource {
 public:
  struct Options {
    std::vector<std::string> namespaces;  ///< empty: the whole cluster
    bool nodes = true;
    /// How long to wait for the server; nothing: for ever; zero: for one answer.
    std::optional<std::chrono::milliseconds> wait;
    int stop_fd = -1;  ///< readable: stop waiting (a signalfd); -1: none
  };
  using Change = client::ChangeCallback;

  static Result<std::unique_ptr<ClusterSource>> Make(const ServerAccess& access, Options options);
  ~ClusterSource() override;

  /// Follows the server as long as it lives.
  class Following {
   public:
    explicit Following(ClusterSource& source) : source_(source) {}
    ~Following();
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;

   private:
    friend class ClusterSource;
    ClusterSource& source_;
    std::vector<std::unique_ptr<Subscription>> subscriptions_;
  };
  /// Begins to follow, telling `change` of every object. Once; not longer than this lives.
  std::unique_ptr<Following> Start(const Change& change);
  /// Waits until the server has answered, saying at standard error what for. Fails at once where
  /// waiting does not help.
  Status AwaitAnswer();
  /// Waits until all is loaded, at most so long; true if it is. Ends early by `stop_fd`.
  bool AwaitLoaded(std::chrono::milliseconds limit) const;

  /// How far it is with one kind.
  struct Progress {
    std::size_t objects = 0;
    bool loaded = false;
    std::string last_error;
  };
  Progress Pods() const { return ProgressOf(pods_.store()); }
  Progress Nodes() const { return ProgressOf(nodes_.store()); }
  Progress Namespaces() const { return ProgressOf(namespaces_.store()); }
  /// False with --no-node, and for the pods of some namespaces: there is nothing to wait for.
  bool FollowsNodes() const { return options_.nodes; }
  bool FollowsNamespaces() const { return options_.namespaces.empty(); }
  bool Stopped() const { return waiting_.IsStopped(); }

  ObjectPtr Get(const ObjectKey& key) const override { return StoreOf(key.kind).Get(key); }
  std::vector<ObjectPtr> List(const std::string& kind) const override {
    return StoreOf(kind).List(kind);
  }
  std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) override;
  /// Speaks of the pods.
  SourceState State() const override { return pods_.store().State(); }

 private:
  ClusterSource(const ServerAccess& access, Options options, AnswerWait waiting);
  static Progress ProgressOf(const client::ObjectStore& store);
  void OnOutcome(std::size_t scope, const client::ApiFailure* failure) EXCLUDES(mutex_);
  void OnPod(const std::string& ns) EXCLUDES(mutex_);
  std::optional<client::ApiFailure> Pending() const REQUIRES(mutex_);
  bool AllAnswered() const REQUIRES(mutex_);
  const client::ObjectStore& StoreOf(const std::string& kind) const;

  const std::shared_ptr<client::Transport> transport_;
  const Options options_;
  AnswerWait waiting_;
  // The outcome of the list of pods of each namespace, or of all: each may be refused on its own.
  struct Scope {
    std::string ns;  // empty: all
    bool answered = false;
    std::optional<client::ApiFailure> failure;  // of the latest attempt
  };
  mutable Mutex mutex_;
  std::vector<Scope> scopes_ GUARDED_BY(mutex_);

  // Last: they use the others.
  Follower pods_;
  Follower nodes_;
  Follower namespaces_;
};

}  // namespace downwardfs
