// SPDX-License-Identifier: Apache-2.0
//
// How long a change takes from the watch event to an application: from right before the API server
// double writes the event's bytes to the socket, to a read of MOUNT/labels (through ..data, as
// applications do) that returns the new content. The program under test is the real one: TLS,
// splitting, store, projection, publishing, the kernel's caches. A thread reads without pause; one
// change follows the other after a random rest of up to 2 ms.
//
//     event_latency_bench [CHANGES [http|https]]
//
// Needs /dev/fuse and root. For comparison: the kubelet needs 140 ms for a lone change and
// up to 940 ms for changes back to back (design measurements of a real kubelet).
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/fakes/fake_api_server.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr char kSpec[] =
    R"("containers":[{"name":"main"}],"volumes":[{"name":"info","downwardAPI":{"items":[)"
    R"({"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}}]}}])";
constexpr std::chrono::seconds kPatience{10};

// When the newest event went to the socket. Written by the server's thread.
std::atomic<SteadyClock::rep> sent{0};

bool Put(FakeApiServer* server, const std::string& label) {
  return !server->PutObject("pods", "default", "web", {kSpec, ""}, label).empty();
}

// Reads until the file is `wanted`; the time of the read that gave it.
bool SpinUntil(const std::string& path, const std::string& wanted, SteadyClock::time_point* seen,
               std::size_t* reads) {
  const auto deadline = SteadyClock::now() + kPatience;
  char bytes[256];
  for (;;) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    *seen = SteadyClock::now();
    if (fd >= 0) close(fd);
    ++*reads;
    if (size >= 0 && std::string_view(bytes, static_cast<std::size_t>(size)) == wanted) return true;
    if (*seen > deadline) return false;
  }
}

int Measure(const std::string& path, std::size_t changes, FakeApiServer* server, const char* how) {
  std::vector<double> latencies;
  std::mt19937 random(1);
  std::uniform_int_distribution<int> rest(0, 2000);
  std::size_t reads = 0;
  for (std::size_t i = 0; i < changes; ++i) {
    const std::string label = std::to_string(i);
    if (!Put(server, label)) return 1;
    SteadyClock::time_point seen;
    if (!SpinUntil(path, "tick=\"" + label + "\"", &seen, &reads)) {
      std::fprintf(stderr, "change %zu did not show within 10 s\n", i);
      return 1;
    }
    const SteadyClock::time_point from{SteadyClock::duration(sent.load())};
    latencies.push_back(Microseconds(seen - from).count());
    std::this_thread::sleep_for(std::chrono::microseconds(rest(random)));
  }
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double part) {
    return latencies[std::min(
        latencies.size() - 1,
        static_cast<std::size_t>(part * static_cast<double>(latencies.size())))];
  };
  std::printf("watch event written -> new content read, one volume, %s (microseconds)\n", how);
  std::printf("%8s %8s %8s %8s %8s %8s %10s\n", "changes", "min", "p50", "p90", "p99", "max",
              "reads");
  std::printf("%8zu %8.0f %8.0f %8.0f %8.0f %8.0f %10zu\n", latencies.size(), latencies.front(),
              at(0.5), at(0.9), at(0.99), latencies.back(), reads);
  return 0;
}

int Run(std::size_t changes, bool tls) {
  const TempDir dir;
  FakeApiServer::Options options;
  options.tls = tls;
  options.before_line = [](const std::string&) {
    sent = SteadyClock::now().time_since_epoch().count();
  };
  FakeApiServer server(std::move(options));
  if (!Put(&server, "first")) return 1;
  const std::string at = dir.MakeDir("mount");
  std::vector<std::string> words = {"mount",       "--server", server.url(), "--pod",
                                    "default/web", "--volume", "info",       at};
  if (tls) words.insert(words.end() - 1, {"--ca-file", dir.Write("ca.pem", server.ca_pem())});
  const Outcome mounted = Downwardfs(words);
  if (mounted.exit_code != 0) {
    std::fprintf(stderr, "%s", mounted.err.c_str());
    return 1;
  }
  const int result = Measure(at + "/labels", changes, &server, tls ? "https" : "http");
  umount2(at.c_str(), MNT_DETACH);
  return result;
}

}  // namespace
}  // namespace downwardfs::testing

int main(int argc, char** argv) {
  const std::size_t changes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 2'000;
  return downwardfs::testing::Run(std::max<std::size_t>(changes, 1),
                                  argc <= 2 || std::string(argv[2]) != "http");
}
