// SPDX-License-Identifier: Apache-2.0
#include "csi/followed_namespace.h"

#include <utility>

namespace downwardfs {

FollowedNamespace::FollowedNamespace(std::shared_ptr<client::Transport> transport,
                                     std::string description, const std::string& name)
    : store_(std::move(description)) {
  auto follow = client::NamespaceReflectorOptions(name);
  follow.streaming_lists = false;  // it saves nothing for one object
  follow.on_outcome = [this](const client::ApiFailure*) {
    {
      MutexLock lock(mutex_);
      answered_ = true;
    }
    changed_.NotifyAll();
  };
  reflector_ = std::make_unique<client::Reflector>(std::move(transport), store_, std::move(follow));
}

void FollowedNamespace::Await(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (!answered_ && changed_.WaitUntil(mutex_, deadline)) {
  }
}

}  // namespace downwardfs
