// SPDX-License-Identifier: Apache-2.0
// Neighbours on a node of the CSI plugin: what a quiet pod sees of noisy ones.
//   neighbour_bench noise [--pods N] [--bytes B] [--rate R] [--changes C]
//       the time from a change of the quiet pod to a read that shows it, while N pods of B bytes
//       change R times a second each
//   neighbour_bench storm [--readers N] [--reads C]
//       the time of the first open, read and close of a new volume, while N processes open and
//       read the files of another pod without pause
// Each is measured without the neighbours first, then with them. As root, with /dev/fuse.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/owned_fd.h"
#include "tests/bench/figures.h"
#include "tests/bench/node_feed.h"
#include "tests/csi/csi_client.h"
#include "tests/csi/inline_volume.h"
#include "tests/support/background.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::bench {
namespace {

using std::chrono::steady_clock;
using testing::CsiClient;
using testing::PublishCall;

constexpr char kDriver[] = "csi.downwardfs.dev";
constexpr char kItems[] =
    "- {path: labels, fieldRef: {fieldPath: metadata.labels}}\n"
    "- {path: annotations, fieldRef: {fieldPath: metadata.annotations}}\n";
constexpr int kPatience = 60'000;  // ms

double Milliseconds(steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void Print(const char* what, const std::vector<double>& times) {
  std::printf("%-24s %8zu %9.3f ms %9.3f ms %9.3f ms\n", what, times.size(), Percentile(times, 0.5),
              Percentile(times, 0.99), Percentile(times, 1));
  std::fflush(stdout);
}

// The plugin on a node with the feed's pods.
class Node {
 public:
  explicit Node(NodeFeed::Options options) : feed(options), client(Prepare() + "/csi.sock") {
    while (client.Probe() != "ready") std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  ~Node() {
    while (!published_.empty() && Unpublish(*published_.begin())) {
    }
    daemon_->Wait(SIGTERM);
  }

  /// The path of the volume; empty where that fails.
  std::string Publish(const std::string& pod, const std::string& layout) {
    const PublishCall call = CallFor(pod, layout);
    published_.insert(pod);
    const auto answer = client.Publish(call);
    if (!answer.ok()) std::fprintf(stderr, "%s: %s\n", pod.c_str(), answer.message.c_str());
    return answer.ok() ? call.target_path : "";
  }
  bool Unpublish(const std::string& pod) {
    published_.erase(pod);
    const PublishCall call = CallFor(pod, "");
    return client.Unpublish(call.volume_id, call.target_path).ok();
  }

 private:
  std::string Prepare() {
    kubelet_ = dir_.MakeDir("kubelet");
    const std::string plugin = kubelet_ + "/plugins/" + kDriver;
    std::filesystem::create_directories(plugin);
    std::filesystem::create_directories(kubelet_ + "/plugins_registry");
    daemon_ = std::make_unique<testing::Background>(
        std::vector<std::string>{"csi", "--node-id", "node1", "--server", feed.url(),
                                 "--kubelet-dir", kubelet_},
        dir_ / "log");
    return plugin;
  }
  PublishCall CallFor(const std::string& pod, const std::string& layout) const {
    const testing::InlineVolume volume{.kubelet = kubelet_, .pod = pod, .uid = "uid-" + pod};
    PublishCall call = volume.Call(kItems);
    call.context["layout"] = layout;
    return call;
  }

  const testing::TempDir dir_;
  std::string kubelet_;
  std::set<std::string> published_;
  std::unique_ptr<testing::Background> daemon_;

 public:
  const NodeFeed feed;
  CsiClient client;
};

// Waits until the file holds the tick; an inotify watch of the volume's root wakes us.
bool WaitForTick(const std::string& volume, int watch, const std::string& wanted) {
  for (;;) {
    if (ReadFile(volume + "/labels").value_or("") == wanted) return true;
    pollfd fd = {watch, POLLIN, 0};
    if (poll(&fd, 1, kPatience) <= 0) return false;
    char events[4096];
    if (read(watch, events, sizeof events) < 0) return false;
  }
}

// Changes the quiet pod again and again, and returns how long each change takes.
std::vector<double> QuietChanges(const NodeFeed& feed, const std::string& volume, int changes,
                                 std::uint64_t& tick) {
  const OwnedFd watch(inotify_init1(IN_CLOEXEC));
  inotify_add_watch(watch.get(), volume.c_str(), IN_MOVED_TO);
  std::vector<double> times;
  for (int i = 0; i < changes; ++i) {
    const auto start = steady_clock::now();
    feed.SetQuiet(++tick);
    if (!WaitForTick(volume, watch.get(), "tick=\"" + std::to_string(tick) + "\"")) break;
    times.push_back(Milliseconds(steady_clock::now() - start));
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + i % 17));
  }
  return times;
}

int Noise(const NodeFeed::Options& options, int changes) {
  Node node(options);
  for (std::size_t i = 0; i < options.noisy; ++i) {
    if (node.Publish(NodeFeed::NoisyName(i), "kubelet").empty()) return 1;
  }
  const std::string quiet = node.Publish(NodeFeed::kQuiet, "kubelet");
  if (quiet.empty()) return 1;
  std::printf("a quiet pod's change until it is read; %zu noisy pods of %zu bytes, %.0f/s each\n",
              options.noisy, options.bytes, options.rate);
  std::printf("%-24s %8s %12s %12s %12s\n", "", "changes", "p50", "p99", "max");
  std::uint64_t tick = 0;
  const auto alone = QuietChanges(node.feed, quiet, changes, tick);
  Print("alone", alone);
  node.feed.MakeNoise(true);
  const auto start = steady_clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const auto beside = QuietChanges(node.feed, quiet, changes, tick);
  Print("beside the noise", beside);
  std::printf("noise sent: %.0f changes a second\n",
              static_cast<double>(node.feed.events()) /
                  std::chrono::duration<double>(steady_clock::now() - start).count());
  return alone.size() == beside.size() ? 0 : 1;
}

// Processes that open and read files of the volume until they are ended.
class Storm {
 public:
  Storm(const std::string& volume, int readers) {
    for (int i = 0; i < readers; ++i) {
      const pid_t child = fork();
      if (child == 0) Rage(volume);
      children_.push_back(child);
    }
  }
  ~Storm() {
    for (const pid_t child : children_) kill(child, SIGKILL);
    for (const pid_t child : children_) waitpid(child, nullptr, 0);
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

 private:
  [[noreturn]] static void Rage(const std::string& volume) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char bytes[4096];
    for (;;) {
      for (const char* file : {"/labels", "/annotations", "/absent"}) {
        const int fd = open((volume + file).c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        (void)!read(fd, bytes, sizeof bytes);
        close(fd);
      }
    }
  }
  std::vector<pid_t> children_;
};

std::vector<double> FirstReads(Node& node, int reads) {
  std::vector<double> times;
  for (int i = 0; i < reads; ++i) {
    const std::string volume = node.Publish(NodeFeed::kQuiet, "kubelet");
    if (volume.empty()) break;
    const auto start = steady_clock::now();
    if (ReadFile(volume + "/labels").value_or("").empty()) break;
    times.push_back(Milliseconds(steady_clock::now() - start));
    if (!node.Unpublish(NodeFeed::kQuiet)) break;
  }
  return times;
}

int StormBeside(int readers, int reads) {
  NodeFeed::Options options;
  options.noisy = 1;
  Node node(options);
  const std::string stormy = node.Publish(NodeFeed::NoisyName(0), "live");
  if (stormy.empty()) return 1;
  std::printf("the first read of a new volume; %d processes open another pod's files\n", readers);
  std::printf("%-24s %8s %12s %12s %12s\n", "", "reads", "p50", "p99", "max");
  const auto alone = FirstReads(node, reads);
  Print("alone", alone);
  const Storm storm(stormy, readers);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto beside = FirstReads(node, reads);
  Print("beside the storm", beside);
  return alone.size() == beside.size() ? 0 : 1;
}

int Run(int argc, char** argv) {
  std::map<std::string, double> numbers = {{"--pods", 8},      {"--bytes", 3900}, {"--rate", 1000},
                                           {"--changes", 300}, {"--readers", 8},  {"--reads", 300}};
  bool good = argc > 1 && argc % 2 == 0;
  for (int i = 2; good && i + 1 < argc; i += 2) {
    const auto number = numbers.find(argv[i]);
    good = number != numbers.end() && std::atof(argv[i + 1]) > 0;
    if (good) number->second = std::atof(argv[i + 1]);
  }
  const auto whole = [&](const char* name) { return static_cast<std::size_t>(numbers[name]); };
  if (good && std::strcmp(argv[1], "noise") == 0) {
    return Noise({whole("--pods"), whole("--bytes"), numbers["--rate"]},
                 static_cast<int>(whole("--changes")));
  }
  if (good && std::strcmp(argv[1], "storm") == 0) {
    return StormBeside(static_cast<int>(whole("--readers")), static_cast<int>(whole("--reads")));
  }
  std::fputs(
      "usage: neighbour_bench noise [--pods N] [--bytes B] [--rate R] [--changes C]\n"
      "       neighbour_bench storm [--readers N] [--reads C]\n",
      stderr);
  return 2;
}

}  // namespace
}  // namespace downwardfs::bench

int main(int argc, char** argv) {
  return downwardfs::bench::Run(argc, argv);
}
