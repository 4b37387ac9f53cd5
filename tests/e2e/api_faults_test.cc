// SPDX-License-Identifier: Apache-2.0
// Everything that can go wrong with an API server, under a live mount: whatever happens, each read
// gives a content that the pod has had, and in the end the mount shows exactly the server's newest
// labels. The client's answer to each fault is tested in tests/client/watch/reflector_test.cc.
#include <atomic>
#include <cctype>
#include <set>
#include <thread>

#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

using Kind = ServerFault::Kind;

constexpr std::chrono::seconds kPatience{120};

struct FaultCase {
  const char* name;
  ServerFault fault;
  int times = 1;
};

void PrintTo(const FaultCase& fault_case, std::ostream* out) {
  *out << fault_case.name;
}

class ApiFaultTest : public ApiTest, public ::testing::WithParamInterface<FaultCase> {
 protected:
  bool OfLists() const { return GetParam().fault.verb == "list"; }

  // The pod changes while the fault lasts. A list is asked for only if the watch cannot go on.
  void MeetTheFault() {
    server_->Inject(GetParam().fault, GetParam().times);
    if (OfLists()) {
      server_->Stop();
      Label("while away");
      server_->Compact();
      server_->Start();
    } else {
      server_->Drop();
    }
    for (int i = 0; server_->FaultsLeft() > 0 && i < 10'000; ++i) {
      // Faults at a byte need bytes; faults of a request need none.
      if (i % 100 == 0) Label("change " + std::to_string(i / 100));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_EQ(server_->FaultsLeft(), 0U) << "the mount never met the fault";
  }
};

// Reads over and over, as an application does, and collects what it has seen.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)), thread_([this] { Run(); }) {}
  ~Reader() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::size_t reads() const { return reads_; }
  std::set<std::string> seen() const { return seen_; }  // after Stop()

 private:
  void Run() {
    while (!stop_) {
      seen_.insert(Slurp(path_));
      ++reads_;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  const std::string path_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> reads_ = 0;
  std::set<std::string> seen_;
  std::thread thread_;
};

TEST_P(ApiFaultTest, TheMountServesOnAndEndsWithTheNewestLabels) {
  const Mounted mount(Web({"--volume", "info"}), at_);
  ASSERT_TRUE(mount.ok());
  Reader reader(mount / "tick");
  MeetTheFault();
  Label("newest");
  EXPECT_TRUE(Eventually([&] { return Slurp(mount / "tick") == "newest"; }, kPatience))
      << Slurp(mount / "tick") << ", " << mount.StatusField("lastError");
  EXPECT_TRUE(Eventually([&] { return mount.StatusField("connected") == "true"; }));
  EXPECT_EQ(mount.StatusField("lastError"), "\"\"");
  reader.Stop();
  EXPECT_GT(reader.reads(), 0U);
  for (const std::string& content : reader.seen()) {
    const bool known = content == "one" || content == "while away" || content == "newest" ||
                       content.starts_with("change ");
    EXPECT_TRUE(known) << "\"" << content << "\"";
  }
}

ServerFault Body(const char* verb, BodyFault::Kind kind, std::size_t at) {
  return {Kind::kBody, verb, {kind, at}, {}};
}

std::vector<FaultCase> FaultCases() {
  std::vector<FaultCase> cases;
  for (const char* verb : {"list", "watch"}) {
    for (const std::size_t at : {0U, 700U}) {
      cases.push_back({"reset", Body(verb, BodyFault::Kind::kReset, at)});
      cases.push_back({"truncated chunk", Body(verb, BodyFault::Kind::kTruncate, at)});
      cases.push_back({"garbage", Body(verb, BodyFault::Kind::kGarbage, at)});
      cases.push_back({"early end", Body(verb, BodyFault::Kind::kEnd, at)});
    }
    cases.push_back({"slow bytes", Body(verb, BodyFault::Kind::kSlow, 0)});
    cases.push_back({"closed", {Kind::kClose, verb}, 3});
    cases.push_back({"wrong content type", {Kind::kWrongType, verb}});
    cases.push_back({"429", {Kind::kTooManyRequests, verb}});
    cases.push_back({"500s", {Kind::kServerError, verb}, 3});
    cases.push_back({"503", {Kind::kUnavailable, verb}, 2});
    cases.push_back({"401", {Kind::kUnauthorized, verb}, 2});
    cases.push_back({"410", {Kind::kExpired, verb}, 2});
    cases.push_back({"oversized", {Kind::kOversized, verb}});
    cases.push_back({"half a UTF-8 character", {Kind::kHalfUtf8, verb}});
    cases.push_back({"redirect", {Kind::kRedirect, verb, {}, "https://127.0.0.1:1/"}});
  }
  // The client gives up after a minute without a byte. A watch that falls silent takes longer to
  // tell from one that has nothing to say: that is tested with shorter limits, on the client alone.
  cases.push_back({"stall", Body("list", BodyFault::Kind::kStall, 700)});
  cases.push_back({"410 event", {Kind::kExpiredEvent, "watch"}, 2});
  cases.push_back({"duplicates", {Kind::kDuplicates, "watch"}});
  return cases;
}

std::string CaseName(const ::testing::TestParamInfo<FaultCase>& info) {
  std::string name = info.param.fault.verb + "_" + info.param.name + "_" +
                     std::to_string(info.param.fault.body.at);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Faults, ApiFaultTest, ::testing::ValuesIn(FaultCases()), CaseName);

TEST_F(ApiTest, AServerRestoredFromABackupIsFollowedFromWhereItIsNow) {
  for (int i = 0; i < 50; ++i) Label(std::to_string(i));
  const Mounted mount(Web({"--volume", "info"}), at_);
  ASSERT_TRUE(mount.ok());
  server_->Stop();
  server_->RestoreAt(20);
  Label("after the restore");
  server_->LimitWatches(std::chrono::seconds(6));
  server_->Start();
  // A watch from a version that the server has not reached brings nothing, no bookmark either; its
  // end shows it.
  EXPECT_TRUE(Eventually([&] { return Slurp(mount / "tick") == "after the restore"; },
                         std::chrono::seconds(60)));
}

}  // namespace
}  // namespace downwardfs::testing
