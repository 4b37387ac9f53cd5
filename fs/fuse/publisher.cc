// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/publisher.h"

#include <utility>

namespace downwardfs {

Publisher::Publisher(NodeTable& nodes, KernelNotifier& notifier)
    : nodes_(nodes), notifier_(notifier), thread_("publisher", [this] { Run(); }) {}

Publisher::~Publisher() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.Join();
}

void Publisher::Enqueue(NodeTable::Flip flip) {
  {
    MutexLock lock(mutex_);
    flips_.push_back(std::move(flip));
  }
  wake_.NotifyAll();
}

std::uint64_t Publisher::published() const {
  MutexLock lock(mutex_);
  return published_;
}

void Publisher::Run() {
  for (;;) {
    std::deque<NodeTable::Flip> flips;
    std::deque<Retired> due;
    {
      MutexLock lock(mutex_);
      for (;;) {
        const SteadyTime now = std::chrono::steady_clock::now();
        while (!retired_.empty() && retired_.front().due <= now) {
          due.push_back(retired_.front());
          retired_.pop_front();
        }
        if (!flips_.empty() || !due.empty() || stopping_) break;
        if (retired_.empty()) {
          wake_.Wait(mutex_);
        } else {
          wake_.WaitUntil(mutex_, retired_.front().due);
        }
      }
      if (stopping_ && flips_.empty()) return;
      flips.swap(flips_);
    }
    for (const Retired& old : due) {
      if (const auto name = nodes_.Expire(old.version)) notifier_.InvalidateName(*name);
    }
    for (const NodeTable::Flip& flip : flips) {
      for (const std::string& name : flip.stale_names) notifier_.InvalidateName(name);
      notifier_.InvalidateRoot();
    }
    MutexLock lock(mutex_);
    const SteadyTime expiry = std::chrono::steady_clock::now() + kGraceTime;
    for (const NodeTable::Flip& flip : flips) {
      if (flip.retired) retired_.push_back({expiry, *flip.retired});
    }
    published_ += flips.size();
  }
}

}  // namespace downwardfs
