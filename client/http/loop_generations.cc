// SPDX-License-Identifier: Apache-2.0
#include "client/http/loop_generations.h"

#include <algorithm>

namespace downwardfs::client {
namespace {

// A request that got no answer over a connection that seemed good. A refusal to connect, a handler
// that had enough and an answer of any status say nothing against connections.
bool PutsConnectionsInDoubt(const TransferResult& result, const HttpRequest& request) {
  switch (result.fault) {
    case TransferFault::kLost:
      return true;
    case TransferFault::kTimeout: {
      const bool planned = request.ends_with_silence && result.response.status != 0;
      return result.own_limit && !planned;
    }
    case TransferFault::kBroken:
      return result.response.status == 0;
    default:
      return false;
  }
}

}  // namespace

LoopGenerations::LoopGenerations(const Clock& clock, LivenessLimits liveness)
    : clock_(clock), liveness_(liveness), current_(std::make_shared<CurlLoop>(clock, liveness)) {}

LoopGenerations::~LoopGenerations() {
  const MutexLock lock(mutex_);
  for (const auto& former : former_) {
    if (const auto loop = former.lock()) loop->Stop();
  }
  current_->Stop();
}

std::shared_ptr<CurlLoop> LoopGenerations::Current() {
  const MutexLock lock(mutex_);
  return current_;
}

void LoopGenerations::Renew(const CurlLoop* of) {
  auto next = std::make_shared<CurlLoop>(clock_, liveness_);
  const MutexLock lock(mutex_);
  if (current_.get() != of) return;
  former_.erase(std::remove_if(former_.begin(), former_.end(),
                               [](const auto& loop) { return loop.expired(); }),
                former_.end());
  former_.push_back(current_);
  current_.swap(next);
  // The caller holds the former loop, whose thread is therefore not joined under the lock.
}

TransferResult LoopGenerations::Run(const TransferSpec& spec, const HttpRequest& request,
                                    ResponseHandler& handler, Cancellation* cancellation) {
  std::shared_ptr<CurlLoop> loop = Current();
  if (!loop->usable()) {
    Renew(loop.get());
    loop = Current();
  }
  TransferResult result = loop->Run(spec, request, handler, cancellation);
  if (PutsConnectionsInDoubt(result, request)) Renew(loop.get());
  return result;
}

}  // namespace downwardfs::client
