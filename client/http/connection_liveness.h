// SPDX-License-Identifier: Apache-2.0
//
// Finds HTTP/2 connections that are dead although nobody said so: the server is gone, and what lies
// between (a load balancer, a NAT) still acknowledges what we send, so that TCP's own limits never
// pass. A connection over which nothing came for a while is asked: GET /livez as one more stream of
// it. Any answer, 401 and 404 too, shows that it lives. If none comes within a limit, the
// connection is lost, and all transfers on it.
//
// client-go does so by HTTP/2 PING (ReadIdleTimeout 30 s, PingTimeout 15 s). libcurl sends PINGs
// for handles of its easy interface only (curl_easy_upkeep, up to 8.9) and does not show their
// answer. /livez is always cheap, and API Priority and Fairness never queues it. An HTTP/1.1
// connection cannot be asked while an answer is under way: there a watch's total limit decides.
//
// Owned by one CurlLoop and used on its thread alone.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "client/http/curl_loop.h"

namespace downwardfs::client {

/// See the head of this file.
class ConnectionLiveness {
 public:
  using Transfers = std::vector<CurlLoop::Transfer*>;

  ConnectionLiveness(LivenessLimits limits, const Clock& clock);
  ~ConnectionLiveness();

  /// Looks at the transfers under way. Returns the transfers whose connection is lost, and appends
  /// to `begin` the questions that are to be sent now, which this object owns. Shortens `wait` to
  /// when it must look again.
  Transfers Look(const Transfers& active, Transfers* begin, std::chrono::milliseconds* wait);

  /// A transfer is over. True if it was a question of this object, which is then destroyed.
  bool Finished(const CurlLoop::Transfer* transfer);

 private:
  struct Question;
  struct Connection;

  void Update(const Transfers& active);
  void Ask(const CurlLoop::Transfer& silent, Connection* connection, Transfers* begin);

  const LivenessLimits limits_;
  const Clock& clock_;
  std::map<long, std::unique_ptr<Connection>> connections_;  // by local port
};

}  // namespace downwardfs::client
