// SPDX-License-Identifier: Apache-2.0
#include "csi/worker_pool.h"

#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "mount-helper/fd_packet.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMostIdle = 4;

// Nothing where the process is gone.
std::optional<int> Ask(int connection, const TreeCall& call, int device, int view) {
  if (!SendPacket(connection, EncodeTreeCall(call), {device, view}, std::chrono::seconds(10))) {
    return std::nullopt;
  }
  int result = 0;
  ssize_t n = 0;
  do {
    n = recv(connection, &result, sizeof result, 0);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof result) return std::nullopt;
  return result;
}

}  // namespace

OwnedFd WorkerPool::TakeIdle() {
  MutexLock lock(mutex_);
  if (idle_.empty()) return {};
  OwnedFd worker = std::move(idle_.back());
  idle_.pop_back();
  return worker;
}

int WorkerPool::Perform(const TreeCall& call, int device, int view) {
  for (;;) {
    OwnedFd worker = TakeIdle();
    const bool idle = static_cast<bool>(worker);
    if (!idle) {
      auto made = new_worker_();
      if (!made) return ENOTCONN;
      worker = std::move(*made);
    }
    const auto result = Ask(worker.get(), call, device, view);
    if (result) {
      MutexLock lock(mutex_);
      if (idle_.size() < kMostIdle) idle_.push_back(std::move(worker));
      return *result;
    }
    // An idle one may have gone with its holder. Every change is such that it may be made twice.
    if (!idle) return ENOTCONN;
  }
}

int PooledTreeCaller::Perform(const TreeCall& call) {
  std::shared_ptr<const OwnedFd> view;
  {
    MutexLock lock(mutex_);
    view = view_;
  }
  const int result = view ? pool_.Perform(call, device_.get(), view->get()) : ENOTCONN;
  const bool tells =
      call.kind == TreeCall::Kind::kInvalidateName || call.kind == TreeCall::Kind::kInvalidateNode;
  return result == ENOTCONN && tells ? PerformTreeCall(call, -1, device_.get()) : result;
}

void PooledTreeCaller::DropView() {
  std::shared_ptr<const OwnedFd> closed;  // without the lock
  MutexLock lock(mutex_);
  closed.swap(view_);
}

}  // namespace downwardfs
