// SPDX-License-Identifier: Apache-2.0
// A node with many volumes of the CSI plugin, with a fake kubelet and the API server double: how
// long a publish and an unpublish take as volumes grow, what each costs in memory, how many watches
// there are, and how long a daemon that is killed leaves readers waiting.
//   csi_bench [--volumes N]
// As root, with /dev/fuse.
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "mount-helper/mount_table.h"
#include "tests/bench/figures.h"
#include "tests/csi/csi_client.h"
#include "tests/csi/inline_volume.h"
#include "tests/fakes/fake_api_server.h"
#include "tests/support/background.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::bench {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;
using testing::CsiClient;
using testing::PublishCall;

constexpr char kDriver[] = "csi.downwardfs.dev";
constexpr char kSpec[] =
    R"("containers":[{"name":"main"}],"volumes":[{"name":"info","csi":{"driver":"csi.downwardfs.dev"}}])";
constexpr char kItems[] =
    "- {path: labels, fieldRef: {fieldPath: metadata.labels}}\n"
    "- {path: name, fieldRef: {fieldPath: metadata.name}}\n"
    "- {path: uid, fieldRef: {fieldPath: metadata.uid}}\n";

double Milliseconds(steady_clock::duration time) {
  return duration<double, std::milli>(time).count();
}

struct Process {
  pid_t pid = 0;
  long resident_kb = 0;  // anonymous and shared memory; not the pages of its program file
};

long Field(const std::string& text, const std::string& name) {
  const auto at = text.find(name);
  return at == std::string::npos ? 0 : std::strtol(text.c_str() + at + name.size(), nullptr, 10);
}

// The newest process whose command has `mark`, with its memory.
Process Look(const std::string& mark, const std::string& directory) {
  Process found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto command = ReadFile(entry.path().string() + "/cmdline");
    const auto status = ReadFile(entry.path().string() + "/status");
    if (!command || !status || command->find(directory) == std::string::npos) continue;
    if (status->find("Name:\t" + mark) != 0) continue;
    found.pid = std::stoi(name);
    found.resident_kb = Field(*status, "RssAnon:") + Field(*status, "RssShmem:");
  }
  return found;
}

PublishCall CallFor(const std::string& kubelet, int i) {
  const std::string number = std::to_string(i);
  const testing::InlineVolume volume{
      .kubelet = kubelet, .pod = "pod" + number, .uid = "uid-" + number};
  return volume.Call(kItems);
}

int Run(int volumes) {
  const testing::TempDir dir;
  const std::string kubelet = dir.MakeDir("kubelet");
  const std::string plugin = kubelet + "/plugins/" + kDriver;
  std::filesystem::create_directories(plugin);
  std::filesystem::create_directories(kubelet + "/plugins_registry");
  FakeApiServer server(FakeApiServer::Options{.tls = false});
  for (int i = 1; i <= volumes; ++i) {
    server.PutObject("pods", "default", "pod" + std::to_string(i), {.spec = kSpec}, "one");
  }
  testing::Background daemon(
      {"csi", "--node-id", "node1", "--server", server.url(), "--kubelet-dir", kubelet},
      dir / "log");
  CsiClient client(plugin + "/csi.sock");
  while (client.Probe() != "ready") std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const long before = Look("downwardfs-csi", kubelet).resident_kb;

  const int step = std::max(volumes / 10, 1);
  std::printf("%-10s %12s %12s %12s\n", "volumes", "publish p50", "p99", "first read");
  std::vector<double> publish, read;
  for (int i = 1; i <= volumes; ++i) {
    const PublishCall call = CallFor(kubelet, i);
    const auto start = steady_clock::now();
    const auto answer = client.Publish(call);
    publish.push_back(Milliseconds(steady_clock::now() - start));
    if (!answer.ok()) {
      std::fprintf(stderr, "publish %d: %s\n", i, answer.message.c_str());
      return 1;
    }
    const auto opened = steady_clock::now();
    if (ReadFile(call.target_path + "/name").value_or("") != "pod" + std::to_string(i)) return 1;
    read.push_back(Milliseconds(steady_clock::now() - opened));
    if (i % step != 0) continue;
    std::printf("%-10d %9.2f ms %9.2f ms %9.2f ms\n", i, Percentile(publish, 0.5),
                Percentile(publish, 0.99), Percentile(read, 0.5));
    publish.clear();
    read.clear();
  }
  int watches = 0;
  for (const std::string& request : server.Requests()) {
    if (request.find("watch /api/v1/pods") == 0 &&
        request.find("sendInitialEvents") == std::string::npos) {
      ++watches;
    }
  }
  const Process serving = Look("downwardfs-csi", kubelet);
  std::printf("\nmemory of the daemon: %.1f MB, %.1f KB for each volume; watches of pods: %d\n",
              static_cast<double>(serving.resident_kb) / 1024.0,
              static_cast<double>(serving.resident_kb - before) / volumes, watches);
  std::printf("supervisor %.1f MB, mounter %.1f MB\n",
              static_cast<double>(Look("downwardfs-hold", kubelet).resident_kb) / 1024.0,
              static_cast<double>(Look("dwfs-mounter", kubelet).resident_kb) / 1024.0);

  kill(serving.pid, SIGKILL);
  const auto killed = steady_clock::now();
  // A listing asks the daemon: the kernel does not have it.
  const std::string last = CallFor(kubelet, volumes).target_path;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(last, error)) (void)entry;
  std::printf("a listing while the daemon is killed waits %.0f ms%s\n",
              Milliseconds(steady_clock::now() - killed), error ? ", and FAILS" : "");

  std::vector<double> unpublish;
  for (int i = 1; i <= volumes; ++i) {
    const PublishCall call = CallFor(kubelet, i);
    const auto start = steady_clock::now();
    // The call that meets the daemon's death is made again, as the kubelet would.
    for (int tries = 0; !client.Unpublish(call.volume_id, call.target_path).ok();) {
      if (++tries == 100) return 1;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    unpublish.push_back(Milliseconds(steady_clock::now() - start));
  }
  std::printf("unpublish p50 %.2f ms, p99 %.2f ms\n", Percentile(unpublish, 0.5),
              Percentile(unpublish, 0.99));
  return error ? 1 : 0;
}

}  // namespace
}  // namespace downwardfs::bench

int main(int argc, char** argv) {
  int volumes = 1000;
  if (argc == 3 && std::strcmp(argv[1], "--volumes") == 0) volumes = std::atoi(argv[2]);
  if (argc != 1 && (argc != 3 || volumes < 1)) {
    std::fputs("usage: csi_bench [--volumes N]\n", stderr);
    return 2;
  }
  return downwardfs::bench::Run(volumes);
}
