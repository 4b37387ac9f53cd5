// SPDX-License-Identifier: Apache-2.0
// The reflector against a server that misbehaves. In every case the store keeps serving, and in
// the end it holds exactly what the server holds.
#include <cctype>

#include "tests/client/watch/reflector_fixture.h"

namespace downwardfs::client {
namespace {

// Faults that one request meets; after them all must be well.
struct FaultCase {
  const char* name;
  ServerFault fault;
  int times = 1;
};

void PrintTo(const FaultCase& fault_case, std::ostream* out) {
  *out << fault_case.name;
}

class FaultTest : public ReflectorTest, public testing::WithParamInterface<FaultCase> {
 protected:
  FaultTest() {
    if (GetParam().fault.body.kind == BodyFault::Kind::kStall) silence_ = kSilence;
  }
};

TEST_P(FaultTest, OnTheFirstRequests) {
  server_.Inject(GetParam().fault, GetParam().times);
  Follow();
  EXPECT_TRUE(ConnectedAndEqual());
  Change();
  EXPECT_TRUE(ConnectedAndEqual());
  EXPECT_TRUE(Eventually([this] { return server_.FaultsLeft() == 0; }));
}

TEST_P(FaultTest, InMidstream) {
  Follow();
  ASSERT_TRUE(ConnectedAndEqual());
  const auto before = store_.List("Pod");
  server_.Inject(GetParam().fault, GetParam().times);
  server_.Drop();  // so that the next requests meet the fault
  for (int round = 0; round < 3; ++round) {
    Change();
    EXPECT_FALSE(Held().empty());
  }
  if (GetParam().fault.verb == "list") {
    server_.Stop();
    Change();
    server_.Compact();  // the client has not seen what is forgotten: it must list
    server_.Start();
  }
  EXPECT_TRUE(Eventually([this] { return server_.FaultsLeft() == 0; }));
  server_.Put("default", "p5", "after");
  EXPECT_TRUE(ConnectedAndEqual());
  // The objects that a reader held all the time are unchanged.
  for (const ObjectPtr& pod : before) EXPECT_NE(pod->Json().find("\"first\""), std::string::npos);
}

std::vector<FaultCase> FaultCases() {
  std::vector<FaultCase> cases;
  for (const char* verb : {"list", "watch"}) {
    for (const std::size_t at : {0U, 1U, 150U, 700U}) {
      cases.push_back({"reset", Body(verb, BodyFault::Kind::kReset, at)});
      cases.push_back({"truncated chunk", Body(verb, BodyFault::Kind::kTruncate, at)});
      cases.push_back({"garbage", Body(verb, BodyFault::Kind::kGarbage, at)});
      cases.push_back({"early end", Body(verb, BodyFault::Kind::kEnd, at)});
    }
    cases.push_back({"slow bytes", Body(verb, BodyFault::Kind::kSlow, 0)});
    cases.push_back({"closed", Simple(verb, Kind::kClose), 3});
    cases.push_back({"wrong content type", Simple(verb, Kind::kWrongType)});
    cases.push_back({"429", Simple(verb, Kind::kTooManyRequests)});
    cases.push_back({"500s", Simple(verb, Kind::kServerError), 4});
    cases.push_back({"503", Simple(verb, Kind::kUnavailable), 2});
    cases.push_back({"401", Simple(verb, Kind::kUnauthorized), 2});
    cases.push_back({"410", Simple(verb, Kind::kExpired), 3});
    cases.push_back({"oversized", Simple(verb, Kind::kOversized), 2});
    cases.push_back({"half a UTF-8 character", Simple(verb, Kind::kHalfUtf8)});
  }
  cases.push_back({"stalled list", Body("list", BodyFault::Kind::kStall, 700)});
  cases.push_back({"410 event", Simple("watch", Kind::kExpiredEvent), 3});
  cases.push_back({"duplicates", Simple("watch", Kind::kDuplicates)});
  return cases;
}

std::string CaseName(const testing::TestParamInfo<FaultCase>& info) {
  std::string name = info.param.fault.verb + "_" + info.param.name + "_" +
                     std::to_string(info.param.fault.body.at);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultTest, testing::ValuesIn(FaultCases()), CaseName);

}  // namespace
}  // namespace downwardfs::client
