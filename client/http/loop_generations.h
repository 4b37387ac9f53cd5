// SPDX-License-Identifier: Apache-2.0
//
// Which connections requests may use. HTTP/2 has many requests on one connection: one that died
// without a word would get the next request too, and the one after it. So each fault that puts
// connections in doubt starts a new generation: a CurlLoop with connections of its own, for all
// requests from then on. No request is sent over a connection that is older than the last fault;
// the new connection is shared from its first request on. Requests under way stay where they are,
// and the last of them ends the loop of its generation.
//
// The road not taken: curl's FRESH_CONNECT and MAXLIFETIME_CONN in one loop. curl prefers a
// connection in use, however old, so each request of the next minute had to open one of its own.
//
// Owned by one CurlTransport; any thread. A generation has a thread (curl_loop.h).
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "client/http/curl_loop.h"

namespace downwardfs::client {

/// See the head of this file. Destroying it cancels the requests under way.
class LoopGenerations {
 public:
  LoopGenerations(const Clock& clock, LivenessLimits liveness);
  ~LoopGenerations();
  LoopGenerations(const LoopGenerations&) = delete;
  LoopGenerations& operator=(const LoopGenerations&) = delete;

  /// As CurlLoop::Run().
  TransferResult Run(const TransferSpec& spec, const HttpRequest& request, ResponseHandler& handler,
                     Cancellation* cancellation) EXCLUDES(mutex_);

 private:
  std::shared_ptr<CurlLoop> Current() EXCLUDES(mutex_);
  /// The connections of `of` are in doubt. Nothing changes if a newer generation is there.
  void Renew(const CurlLoop* of) EXCLUDES(mutex_);

  const Clock& clock_;
  const LivenessLimits liveness_;
  mutable Mutex mutex_;
  std::shared_ptr<CurlLoop> current_ GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<CurlLoop>> former_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs::client
