// SPDX-License-Identifier: Apache-2.0
#include "client/http/connect_phases.h"

#include <gtest/gtest.h>

namespace downwardfs::client {
namespace {

using std::chrono::seconds;
using Phase = ConnectPhases::Phase;

class ConnectPhasesTest : public testing::Test {
 protected:
  // Time that goes by until `observed` is true.
  void After(seconds time, const ConnectPhases::Observed& observed) {
    now_ += time;
    phases_.Observe(observed, now_);
  }
  seconds Left() const { return std::chrono::duration_cast<seconds>(phases_.Deadline() - now_); }

  Clock::SteadyTime now_{seconds(1000)};
  ConnectPhases phases_{ConnectLimits{}, now_};
};

TEST_F(ConnectPhasesTest, EachPhaseHasALimitOfItsOwn) {
  EXPECT_EQ(phases_.phase(), Phase::kQueued);
  After(seconds(5), {.dialing = true});
  EXPECT_EQ(phases_.phase(), Phase::kDial);
  EXPECT_EQ(Left(), seconds(30));
  EXPECT_EQ(phases_.LimitMet(), "there was no connection within 30 s");
  After(seconds(29), {.dialing = true, .connected = true, .tls_begun = 1});
  EXPECT_EQ(phases_.phase(), Phase::kTls);  // with the proxy
  EXPECT_EQ(Left(), seconds(10));
  EXPECT_EQ(phases_.LimitMet(), "the TLS handshake did not end within 10 s");
  After(seconds(9), {.dialing = true, .connected = true, .tls_begun = 1, .tls_done = 1});
  EXPECT_EQ(phases_.phase(), Phase::kTunnel);
  EXPECT_EQ(Left(), seconds(60));
  EXPECT_EQ(phases_.LimitMet(), "the proxy did not answer CONNECT within 60 s");
  After(seconds(59), {.dialing = true, .connected = true, .tls_begun = 2, .tls_done = 1});
  EXPECT_EQ(phases_.phase(), Phase::kTls);  // with the server
  EXPECT_EQ(Left(), seconds(10));
  After(seconds(9),
        {.dialing = true, .connected = true, .tls_begun = 2, .tls_done = 2, .sent = true});
  EXPECT_TRUE(phases_.sent());
  EXPECT_EQ(phases_.Deadline(), Clock::SteadyTime::max());
  EXPECT_EQ(phases_.entered(), now_);
}

TEST_F(ConnectPhasesTest, APhaseThatLastsDoesNotGetMoreTime) {
  After(seconds(0), {.dialing = true});
  After(seconds(20), {.dialing = true});
  EXPECT_EQ(Left(), seconds(10));
}

TEST_F(ConnectPhasesTest, OneThatWaitsForAnothersConnectionHasTheTimeOfAllPhases) {
  EXPECT_EQ(Left(), seconds(110));
}

}  // namespace
}  // namespace downwardfs::client
