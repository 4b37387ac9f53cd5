// SPDX-License-Identifier: Apache-2.0
//
// Objects of a server that are followed by list and watch: a store, the reflectors that keep it
// equal to what the server has, and a wake for whoever waits for the first answer. Every command
// that follows a server does it through this: mount and write (FollowSource), the node plugin
// (NodeObjects), the cluster tree (ClusterSource).
//
// A thread of its own for each reflector. Any thread may call any method; Follow() and Stop() are
// called by one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "client/http/transport.h"
#include "client/store/object_store.h"
#include "client/watch/reflector.h"

namespace downwardfs {

class Follower {
 public:
  /// `description`: of the server, for the store's State().
  explicit Follower(std::string description) : store_(std::move(description)) {}
  ~Follower() { Stop(); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// Adds what these options select to what is followed. options.on_outcome is called after
  /// answered() has become true.
  void Follow(std::shared_ptr<client::Transport> transport, client::ReflectorOptions options)
      EXCLUDES(mutex_);
  /// Follows nothing any more, and knows of no answer. The store keeps its objects, until the first
  /// list after another Follow() says which of them are still there. Waits for the reflectors'
  /// threads.
  void Stop() EXCLUDES(mutex_);

  /// The server has answered one of the reflectors, be it with a refusal.
  bool answered() const EXCLUDES(mutex_);
  /// Waits until answered(), at most until `deadline`.
  void Await(std::chrono::steady_clock::time_point deadline) const EXCLUDES(mutex_);
  /// The server is known to answer: the next attempts are made now. Does not wait.
  void Hurry() EXCLUDES(mutex_);

  client::ObjectStore& store() { return store_; }
  const client::ObjectStore& store() const { return store_; }

 private:
  client::ObjectStore store_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool answered_ GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<client::Reflector>> reflectors_ GUARDED_BY(mutex_);
};

/// For one object: without a streaming list, which saves nothing then.
client::ReflectorOptions OfOneObject(client::ReflectorOptions options);

}  // namespace downwardfs
