// SPDX-License-Identifier: Apache-2.0
// A day of a busy cluster under a fake clock: 100 pods that change every five seconds, tokens that
// rotate in their file, connections that break every few minutes, 410s, errors. No change may be
// missed and nothing may grow.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/log_setup.h"
#include "client/config/token_file.h"
#include "client/watch/reflector.h"
#include "tests/client/watch/simulated_server.h"

namespace downwardfs::client {
namespace {

// Between two hours of the same state the heap differs by what depends on which pods exist just
// then. A leak of 16 bytes per change would be 270 KB in a day.
constexpr std::size_t kHeapSlack = std::size_t{48} << 10;

std::size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// False where the allocator is a sanitizer's (which looks for leaks in its own way).
bool HeapIsMeasured() {
  const std::size_t before = HeapBytes();
  const std::vector<char> some(1 << 16);
  return HeapBytes() > before + some.size() / 2;
}

std::map<std::string, std::string> Held(const ObjectStore& store) {
  std::map<std::string, std::string> held;
  for (const ObjectPtr& pod : store.List("Pod")) {
    held[pod->meta().name] = pod->meta().uid + "@" + pod->meta().resource_version;
  }
  return held;
}

class ChurnTest : public testing::Test {
 protected:
  ChurnTest() {
    LogOptions quiet;
    quiet.level = LogLevel::kError;
    EXPECT_TRUE(SetUpLog(quiet));
    RotateToken();
    server_->Accept(token_);
    subscription_ = store_.SubscribeKind(
        "Pod", [this](const ObjectPtr& before, const ObjectPtr& after) { Hear(before, after); });
  }
  ~ChurnTest() override {
    subscription_.reset();
    EXPECT_TRUE(SetUpLog({}));
    std::filesystem::remove_all(directory_);
  }

  // As the kubelet does: the new token is in the file a while before the old one is refused.
  void RotateToken() {
    token_ = "token-" + std::to_string(++rotations_);
    std::ofstream(directory_ / "new") << token_;
    std::filesystem::rename(directory_ / "new", directory_ / "token");
  }

  void Hear(const ObjectPtr& before, const ObjectPtr& after) {
    for (std::size_t i = 0; i < leak_; ++i) leaked_.push_back('x');
    if (!after) {
      heard_.erase(before->meta().name);
      return;
    }
    const int version = std::stoi(after->meta().resource_version);
    EXPECT_GT(version, newest_[after->meta().name]) << "an older state replaced a newer one";
    newest_[after->meta().name] = version;
    heard_[after->meta().name] = after->meta().uid + "@" + after->meta().resource_version;
  }

  void RunFor(std::chrono::nanoseconds time) {
    const auto end = clock_.Steady() + time;
    while (clock_.Steady() < end) {
      const auto next = session_.Step(nullptr);
      if (next > clock_.Steady()) clock_.Advance(next - clock_.Steady());
    }
  }

  void RunAnHour() {
    server_->calm = false;
    RunFor(std::chrono::minutes(25));
    RotateToken();
    RunFor(std::chrono::minutes(5));
    server_->Accept(token_);
    RunFor(std::chrono::minutes(26));
    server_->calm = true;
    // The memory of a stream goes with it: each hour ends in the same state.
    server_->Compact();
    RunFor(std::chrono::minutes(4));
  }

  // How much the heap has grown by the end of the day since the third hour.
  std::size_t RunADay() {
    std::size_t base = 0;
    std::size_t grown = 0;
    for (int hour = 0; hour < 24; ++hour) {
      RunAnHour();
      EXPECT_EQ(Held(store_), server_->pods) << "after hour " << hour;
      EXPECT_EQ(heard_, server_->pods) << "after hour " << hour;
      const std::size_t heap = HeapBytes();
      if (hour == 2) base = heap;
      grown = heap > base ? heap - base : 0;
    }
    return grown;
  }

  static std::filesystem::path MakeDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "churn_test.XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    return name;
  }
  static ReflectorOptions Options() {
    ReflectorOptions options = PodReflectorOptions("");
    options.streaming_lists = false;
    return options;
  }

  FakeClock clock_;
  const std::filesystem::path directory_ = MakeDirectory();
  std::string token_;
  int rotations_ = 0;
  ObjectStore store_{"https://simulated", clock_, {.compress_from = 50}};
  std::map<std::string, std::string> heard_;
  std::map<std::string, int> newest_;
  std::size_t leak_ = 0;  // bytes per change that the subscriber keeps for ever
  std::string leaked_;
  std::unique_ptr<ObjectSource::Subscription> subscription_;

  std::shared_ptr<SimulatedServer> server_ = std::make_shared<SimulatedServer>(
      clock_, std::make_shared<TokenFile>(directory_ / "token", "", clock_), 20260101);
  ReflectorSession session_{server_, store_, Options(), clock_, 7};
};

TEST_F(ChurnTest, ADayWithoutALeakOrAMissedChange) {
  const std::size_t grown = RunADay();
  const SimulatedServer::Counters& counters = server_->counters();
  RecordProperty("heap_growth_bytes", std::to_string(grown));
  EXPECT_LT(HeapIsMeasured() ? grown : 0, kHeapSlack);
  // It was a day worth its name.
  EXPECT_GT(counters.changes, 15'000);
  EXPECT_EQ(rotations_, 25);
  EXPECT_GE(counters.refused, 24);  // each rotation, met by a request with the old token
  EXPECT_GT(counters.broken, 24 * 60 / 10);
  EXPECT_GT(counters.expired, 24 + 10);
  EXPECT_GT(counters.errors, 5);
}

TEST_F(ChurnTest, ALeakOfAFewBytesPerChangeWouldShow) {
  if (!HeapIsMeasured()) GTEST_SKIP() << "this allocator tells nothing about its heap";
  leak_ = 16;
  EXPECT_GT(RunADay(), kHeapSlack);
}

}  // namespace
}  // namespace downwardfs::client
