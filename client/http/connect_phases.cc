// SPDX-License-Identifier: Apache-2.0
#include "client/http/connect_phases.h"

namespace downwardfs::client {
namespace {

using Phase = ConnectPhases::Phase;

Phase PhaseOf(const ConnectPhases::Observed& observed) {
  if (observed.sent) return Phase::kSent;
  if (observed.tls_begun > observed.tls_done) return Phase::kTls;
  if (observed.connected || observed.tls_begun > 0) return Phase::kTunnel;
  return observed.dialing ? Phase::kDial : Phase::kQueued;
}

}  // namespace

void ConnectPhases::Observe(const Observed& observed, Clock::SteadyTime now) {
  const Phase phase = PhaseOf(observed);
  if (phase == phase_ && observed.tls_begun == handshake_) return;
  phase_ = phase;
  handshake_ = observed.tls_begun;
  entered_ = now;
}

std::chrono::milliseconds ConnectPhases::Limit() const {
  switch (phase_) {
    case Phase::kDial:
      return limits_.dial;
    case Phase::kTls:
      return limits_.tls;
    case Phase::kTunnel:
      return limits_.tunnel;
    case Phase::kQueued:
    case Phase::kSent:
      break;
  }
  return limits_.all();
}

Clock::SteadyTime ConnectPhases::Deadline() const {
  return sent() ? Clock::SteadyTime::max() : entered_ + Limit();
}

std::string ConnectPhases::LimitMet() const {
  const std::string within = " within " + std::to_string((Limit().count() + 999) / 1000) + " s";
  switch (phase_) {
    case Phase::kTls:
      return "the TLS handshake did not end" + within;
    case Phase::kTunnel:
      return "the proxy did not answer CONNECT" + within;
    default:
      return "there was no connection" + within;
  }
}

}  // namespace downwardfs::client
