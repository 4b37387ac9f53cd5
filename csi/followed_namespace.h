// SPDX-License-Identifier: Apache-2.0
//
// One Namespace, followed by list and watch from when a volume shows something of it, for as long
// as one does: the sources of such volumes share it (NodeObjects::FollowNamespace).
//
// A reflector's thread of its own. All methods: any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "client/store/object_store.h"
#include "client/watch/reflector.h"

namespace downwardfs {

class FollowedNamespace {
 public:
  /// `description`: of the server, for State().
  FollowedNamespace(std::shared_ptr<client::Transport> transport, std::string description,
                    const std::string& name);

  /// Waits for the first answer, be it a refusal.
  void Await(std::chrono::steady_clock::time_point deadline) EXCLUDES(mutex_);

  client::ObjectStore& store() { return store_; }

 private:
  client::ObjectStore store_;
  Mutex mutex_;
  CondVar changed_;
  bool answered_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<client::Reflector> reflector_;  // last: it uses the others
};

}  // namespace downwardfs
