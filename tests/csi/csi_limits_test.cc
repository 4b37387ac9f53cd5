// SPDX-License-Identifier: Apache-2.0
// The daemon's memory has a bound, whatever pods ask for (docs/csi.md, Limits). The figures are
// printed.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "base/file.h"
#include "mount-helper/unix_socket.h"
#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

constexpr std::size_t kLabel = 250000;  // nearly what the API server allows for annotations

class CsiLimitsTest : public CsiTest {
 protected:
  // Items that all show the pod's labels, of which one is large.
  static std::string Items(int count) {
    std::string items;
    for (int i = 0; i < count; ++i) {
      items += "- {path: p" + std::to_string(i) + ", fieldRef: {fieldPath: metadata.labels}}\n";
    }
    return items;
  }

  void MakePod(const std::string& name, int volumes, char sign, const std::string& env = "") {
    std::string spec = R"("containers":[{"name":"main","env":[)" + env + R"(]}],"volumes":[)";
    for (int i = 0; i < volumes; ++i) {
      spec += (i > 0 ? "," : "") + std::string(R"({"name":"v)") + std::to_string(i) +
              R"(","csi":{"driver":"csi.downwardfs.dev"}})";
    }
    spec += "]";
    server_->PutObject("pods", "default", name, {.spec = spec}, std::string(kLabel, sign));
  }

  // Megabytes that the daemon has had resident at once since it began.
  static long Peak() {
    const std::string status =
        ReadFile("/proc/" + std::to_string(Find("downwardfs-csi")) + "/status").value_or("");
    const auto at = status.find("VmHWM:");
    return at == std::string::npos ? -1 : std::stol(status.substr(at + 6)) / 1024;
  }

  // The answers to calls that are made at the same time, each by a client of its own.
  std::vector<CsiAnswer> AtOnce(int count,
                                const std::function<CsiAnswer(CsiClient& own, int i)>& call) const {
    std::vector<std::thread> threads;
    std::vector<CsiAnswer> answers(count);
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        CsiClient own(socket_);
        answers[i] = call(own, i);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return answers;
  }

  CsiAnswer PublishItems(CsiClient& client, const std::string& pod, const std::string& volume,
                         int items) const {
    PublishCall call = CallFor(pod, volume);
    call.context.erase("csi.storage.k8s.io/serviceAccount.name");
    call.context["items"] = Items(items);
    return client.Publish(call);
  }
};

// Rendered, these would be 1 GB.
TEST_F(CsiLimitsTest, WhatIsTooMuchIsNotRendered) {
  constexpr int kVolumes = 4;
  constexpr long kMost = 300;  // MB; of them the program and its libraries are about 60
  MakePod("greedy", kVolumes, 'a');
  StartPlugin();
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  const auto answers = AtOnce(kVolumes, [&](CsiClient& own, int i) {
    CsiAnswer answer;
    for (int round = 0; round < 3; ++round) {
      answer = PublishItems(own, "greedy", "v" + std::to_string(i), 1000);
    }
    return answer;
  });
  for (const CsiAnswer& answer : answers) {
    EXPECT_EQ(answer.code, csi_code::kResourceExhausted) << answer.message;
    EXPECT_THAT(answer.message, ::testing::HasSubstr("more than 4194304 bytes"));
  }
  const long peak = Peak();
  std::printf("4 volumes of 1,000 items of 250 kB: the daemon had at most %ld MB\n", peak);
  EXPECT_GT(peak, 0);
  EXPECT_TRUE(!WITHOUT_SANITIZER || peak < kMost) << peak;
}

// A pod of 2.4 MB, which the API server takes: it stores a third of that. Parsed it is twenty times
// as much, and each of its volumes needs it parsed, all at once.
TEST_F(CsiLimitsTest, ALargePodIsParsedForFewVolumesAtOnce) {
  // With one, it parses for minutes.
  if (!WITHOUT_SANITIZER) GTEST_SKIP() << "the bound is one of the program without a sanitizer";
  constexpr int kVolumes = 32;
  constexpr int kVariables = 170000;
  constexpr long kMost = 1024;  // MB: the memory limit of the DaemonSet
  std::string env = R"({"name":"a"})";
  for (int i = 1; i < kVariables; ++i) env += R"(,{"name":"a"})";
  MakePod("large", kVolumes, 'a', env);
  StartPlugin();
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  const auto answers = AtOnce(kVolumes, [&](CsiClient& own, int i) {
    return PublishItems(own, "large", "v" + std::to_string(i), 1);
  });
  // On a slow machine the last of them may be given up.
  EXPECT_TRUE(answers[0].ok() || answers[0].code == csi_code::kDeadlineExceeded)
      << answers[0].message;
  const long peak = Peak();
  std::printf("32 volumes of a pod of 2.4 MB at once: the daemon had at most %ld MB\n", peak);
  EXPECT_GT(peak, 0);
  EXPECT_LT(peak, kMost);
}

// The calls for pods that the server does not tell of wait, each with its attributes.
TEST_F(CsiLimitsTest, PublishesThatWaitHaveABoundAndAnEnd) {
  constexpr int kCalls = 100;  // with more than 4 MiB of items together
  StartPlugin();
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  server_->Inject({.kind = ServerFault::Kind::kNoHead, .verb = "get"}, 1000);
  const auto answers = AtOnce(kCalls, [&](CsiClient& own, int i) {
    const std::string pod = "unknown" + std::to_string(i);
    const InlineVolume volume = {.kubelet = kubelet_, .pod = pod, .uid = "uid-" + pod};
    PublishCall call = volume.Call(Items(1000));
    call.patience = std::chrono::seconds(50);
    return own.Publish(call);
  });
  std::map<int, int> codes;
  for (const CsiAnswer& answer : answers) {
    ++codes[answer.code];
    if (answer.code != csi_code::kResourceExhausted) continue;
    EXPECT_THAT(answer.message, ::testing::HasSubstr("more than 4194304 bytes together"));
  }
  // The rest was refused at once. None is given up by its caller.
  EXPECT_GT(codes[csi_code::kResourceExhausted], 10);
  EXPECT_GT(codes[csi_code::kUnavailable], 50);
  EXPECT_EQ(codes[csi_code::kResourceExhausted] + codes[csi_code::kUnavailable], kCalls);
  Published();
}

// Connections that find no free descriptor wait for one; the thread that accepts them sleeps.
TEST_F(CsiLimitsTest, ADaemonWithoutAFreeDescriptorDoesNotSpin) {
  StartPlugin();
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  const pid_t daemon = Find("downwardfs-csi");
  const std::string process = "/proc/" + std::to_string(daemon);
  const auto sleeps = [&] {
    long sum = 0;
    for (const auto& thread : std::filesystem::directory_iterator(process + "/task")) {
      const std::string text = ReadFile(thread.path().string() + "/status").value_or("");
      const auto at = text.find("\nvoluntary_ctxt_switches:");
      if (text.find("csi-accept") == std::string::npos || at == std::string::npos) continue;
      sum += std::stol(text.substr(text.find(':', at) + 1));
    }
    return sum;
  };
  rlimit before = {};
  ASSERT_EQ(prlimit(daemon, RLIMIT_NOFILE, nullptr, &before), 0);
  const rlimit few = {3, before.rlim_max};  // it has more already
  ASSERT_EQ(prlimit(daemon, RLIMIT_NOFILE, &few, nullptr), 0);
  auto waiting = ConnectTo(socket_, SocketKind::kStream);
  ASSERT_TRUE(waiting);
  const long slept = sleeps();
  EXPECT_TRUE(Eventually([&] { return sleeps() > slept + 10; }));
  ASSERT_EQ(prlimit(daemon, RLIMIT_NOFILE, &before, nullptr), 0);
  Published();
}

// 100 volumes of the worst shape that a volume may have: 16 items of 250 kB, which change.
TEST_F(CsiLimitsTest, AHundredWorstVolumesStayBelowTheBound) {
  if (!WITHOUT_SANITIZER) GTEST_SKIP() << "the bound is one of the program without a sanitizer";
  constexpr int kPods = 100;
  constexpr long kMost = 1024;  // MB: the memory limit of the DaemonSet
  for (int i = 0; i < kPods; ++i) MakePod("pod" + std::to_string(i), 1, 'a');
  StartPlugin();
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  int published = 0;
  std::string last;
  for (int i = 0; i < kPods; ++i) {
    const std::string pod = "pod" + std::to_string(i);
    const CsiAnswer answer = PublishItems(client(), pod, "v0", 16);
    published += answer.ok() ? 1 : 0;
    if (answer.ok()) last = pod;
    if (!answer.ok()) {
      EXPECT_EQ(answer.code, csi_code::kResourceExhausted) << answer.message;
    }
  }
  EXPECT_GT(published, 10);
  EXPECT_LT(published, kPods);
  for (char sign = 'b'; sign < 'e'; ++sign) {
    for (int i = 0; i < published; ++i) MakePod("pod" + std::to_string(i), 1, sign);
    for (int i = 0; i < published; ++i) {
      const std::string target = Target("pod" + std::to_string(i), "v0");
      EXPECT_TRUE(Eventually([&] {
        const auto text = ReadFile(target + "/p0");
        return text && text->find(std::string(100, sign)) != std::string::npos;
      })) << i;
    }
  }
  const long peak = Peak();
  std::printf(
      "100 volumes of 16 items of 250 kB, %d of them admitted: the daemon had at most %ld MB\n",
      published, peak);
  EXPECT_GT(peak, 0);
  EXPECT_LT(peak, kMost);
}

}  // namespace
}  // namespace downwardfs::testing
