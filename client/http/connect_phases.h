// SPDX-License-Identifier: Apache-2.0
//
// How far the making of a connection is, and when it is given up: each phase has a limit of its
// own, because one limit over all of them is too short for a slow proxy and too long for a dead
// address. The numbers are those of client-go and Go's http.Transport. Pure; used by the loop's
// thread.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"

namespace downwardfs::client {

struct ConnectLimits {
  std::chrono::milliseconds dial{30'000};    ///< the name's addresses and TCP; client-go's dialer
  std::chrono::milliseconds tls{10'000};     ///< each handshake; Go's TLSHandshakeTimeout
  std::chrono::milliseconds tunnel{60'000};  ///< a proxy's answer to CONNECT; Go's minute

  std::chrono::milliseconds all() const { return dial + tls + tunnel + tls; }
};

class ConnectPhases {
 public:
  enum class Phase {
    kQueued,  ///< for a connection that another request makes
    kDial,
    kTls,
    kTunnel,
    kSent  ///< the connection stands and the request is on its way
  };
  /// The transfer's own words about itself.
  struct Observed {
    bool dialing = false;
    bool connected = false;  ///< TCP
    int tls_begun = 0;
    int tls_done = 0;
    bool sent = false;
  };

  ConnectPhases(ConnectLimits limits, Clock::SteadyTime now) : limits_(limits), entered_(now) {}

  void Observe(const Observed& observed, Clock::SteadyTime now);

  Phase phase() const { return phase_; }
  bool sent() const { return phase_ == Phase::kSent; }
  /// Since when the present phase lasts; where sent() is true, when the request was sent.
  Clock::SteadyTime entered() const { return entered_; }
  /// When to give up; max() once it is sent.
  Clock::SteadyTime Deadline() const;
  /// For a message: "the TLS handshake did not end within 10 s".
  std::string LimitMet() const;

 private:
  std::chrono::milliseconds Limit() const;

  const ConnectLimits limits_;
  Phase phase_ = Phase::kQueued;
  int handshake_ = 0;
  Clock::SteadyTime entered_;
};

}  // namespace downwardfs::client
