// SPDX-License-Identifier: Apache-2.0
//
// The cluster tree at size: the real program mounts a large cluster from a loopback server that is
// another process. Printed: time to the first `ls` and to the complete list, resident memory, time
// of listings and reads, and what 1,000 events a second cost, without readers and with some.
//
//     cluster_bench [PODS [NODES [EVENTS_PER_SECOND]]]        # as root, needs /dev/fuse
#include <dirent.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "tests/bench/cluster_server.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::client {
namespace {

using SteadyClock = std::chrono::steady_clock;

double Since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// One field of /proc/PID/status, in KB.
long StatusKb(pid_t process, const std::string& field) {
  std::ifstream in("/proc/" + std::to_string(process) + "/status");
  for (std::string word; in >> word;) {
    long kb = 0;
    if (word == field + ":" && in >> kb) return kb;
  }
  return 0;
}

// User and system time of a process so far.
double CpuSeconds(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/stat");
  const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::istringstream rest(all.substr(all.rfind(')') + 2));
  std::string word;
  for (int i = 0; i < 11; ++i) rest >> word;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// As `ls -f`: the names alone.
std::size_t CountNames(const std::string& directory) {
  DIR* const stream = opendir(directory.c_str());
  if (stream == nullptr) return 0;
  std::size_t count = 0;
  while (readdir(stream) != nullptr) ++count;
  closedir(stream);
  return count - 2;
}

std::string Slurp(const std::string& path) {
  std::ifstream in(path);
  return {(std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>()};
}

class Mount {
 public:
  Mount(const std::string& url, std::string at) : at_(std::move(at)) {
    process_ = fork();
    if (process_ != 0) return;
    execl(DOWNWARDFS_BINARY, DOWNWARDFS_BINARY, "mount", "-f", "--log-level", "error", "--cluster",
          "--server", url.c_str(), at_.c_str(), nullptr);
    _exit(127);
  }
  ~Mount() {
    umount2(at_.c_str(), MNT_DETACH);
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
  }
  pid_t process() const { return process_; }
  std::string operator/(const std::string& path) const { return at_ + "/" + path; }

 private:
  const std::string at_;
  pid_t process_ = -1;
};

void Until(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

double Timed(const std::function<void()>& work) {
  const auto start = SteadyClock::now();
  work();
  return Since(start);
}

// The daemon's cost while events come for `seconds`.
void MeasureChurn(const char* what, const ClusterServer& server, const Mount& mount,
                  ClusterServer::Churn churn, int seconds) {
  const double cpu = CpuSeconds(mount.process());
  const std::size_t events = server.events();
  const auto start = SteadyClock::now();
  server.SetChurn(churn);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  server.SetChurn(ClusterServer::Churn::kRest);
  const double took = Since(start);
  std::printf("%-46s %6.0f events/s   %5.1f %% of a core\n", what,
              static_cast<double>(server.events() - events) / took,
              100 * (CpuSeconds(mount.process()) - cpu) / took);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// `find` over everything while pods come and go: what it must not do is counted. True if it did
// nothing of it.
bool CheckFind(const ClusterServer& server, const Mount& mount, const testing::TempDir& dir) {
  std::vector<std::string> stay;
  for (const auto& ns : std::filesystem::directory_iterator(mount / "namespaces")) {
    for (const auto& pod : std::filesystem::directory_iterator(ns.path() / "pods")) {
      stay.push_back(pod.path());
    }
  }
  server.SetChurn(ClusterServer::Churn::kComeAndGo);
  const std::size_t events = server.events();
  const auto start = SteadyClock::now();
  (void)!std::system(
      ("find " + (mount / "") + " >" + (dir / "out") + " 2>" + (dir / "err")).c_str());
  const double took = Since(start);
  const std::size_t came = server.events() - events;
  server.SetChurn(ClusterServer::Churn::kRest);
  std::size_t gone = 0;
  std::size_t errors = 0;
  for (const std::string& line : Lines(Slurp(dir / "err"))) {
    ++(line.find("No such file or directory") != line.npos ? gone : errors);
  }
  const std::vector<std::string> lines = Lines(Slurp(dir / "out"));
  const std::unordered_set<std::string> seen(lines.begin(), lines.end());
  std::size_t missing = 0;
  for (const std::string& pod : stay) {
    for (const char* file : {"", "/phase", "/labels.d/app", "/pod.yaml"}) {
      missing += 1 - seen.count(pod + file);
    }
  }
  std::printf(
      "find over everything: %.1f s, %zu names, %zu pods came and went meanwhile:\n"
      "    %zu ENOENT for what had just gone, %zu other errors, %zu seen twice, %zu of what stayed "
      "missing\n",
      took, lines.size(), came, gone, errors, lines.size() - seen.size(), missing);
  return errors == 0 && lines.size() == seen.size() && missing == 0;
}

// The remains of a walk over everything: inodes that the kernel knows, and their cost here.
void PrintAfterFind(const Mount& mount, std::size_t pods) {
  const long resident = StatusKb(mount.process(), "VmRSS");
  std::printf("    resident then %.1f MB: per pod              %8.0f bytes\n",
              static_cast<double>(resident) / 1024,
              static_cast<double>(resident) * 1024 / static_cast<double>(pods));
  for (const std::string& line : Lines(Slurp(mount / "..status"))) {
    if (line.find("kernelInodes") != line.npos) std::printf("  %s\n", line.c_str());
  }
}

int Run(const ClusterServer::Options& options) {
  const ClusterServer server(options);
  const testing::TempDir dir;
  std::printf("%zu pods, %zu nodes\n", options.pods, options.nodes);
  const auto start = SteadyClock::now();
  const Mount mount(server.url(), dir.MakeDir("k8s"));
  Until([&] { return CountNames(mount / "namespaces/team-0/pods") > 0; });
  std::printf("first ls with pods in it after                 %8.3f s\n", Since(start));
  Until([&] { return Slurp(mount / "..status").find("\"loading\": false") != std::string::npos; });
  Until([&] { return CountNames(mount / "nodes") >= options.nodes; });
  std::printf("complete after                                 %8.3f s, CPU %.2f s\n", Since(start),
              CpuSeconds(mount.process()));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const long resident = StatusKb(mount.process(), "VmRSS");
  std::printf("resident %.1f MB (peak %.1f MB): per pod         %8.0f bytes\n",
              static_cast<double>(resident) / 1024,
              static_cast<double>(StatusKb(mount.process(), "VmHWM")) / 1024,
              static_cast<double>(resident) * 1024 / static_cast<double>(options.pods));

  const std::string pods = mount / "namespaces/team-1/pods";
  std::size_t count = 0;
  for (const char* again : {"", ", again"}) {
    const double took = Timed([&] { count = CountNames(pods); });
    std::printf("ls of %6zu pods%-8s                        %8.1f ms\n", count, again, took * 1e3);
  }
  std::printf("ls --color=always (a stat of each)             %8.1f ms\n",
              1e3 * Timed([&] {
                (void)!std::system(("ls --color=always " + pods + " >/dev/null").c_str());
              }));
  std::printf("pods.txt of them                               %8.1f ms\n",
              1e3 * Timed([&] { Slurp(mount / "namespaces/team-1/pods.txt"); }));
  std::printf("grep -l in */labels                            %8.1f ms\n",
              1e3 * Timed([&] {
                (void)!std::system(("cd " + pods + " && grep -l svc */labels >/dev/null").c_str());
              }));
  std::printf("find over the namespace (all files)            %8.1f ms\n",
              1e3 * Timed([&] { (void)!std::system(("find " + pods + " >/dev/null").c_str()); }));
  std::printf("resident then                                  %8.1f MB\n",
              static_cast<double>(StatusKb(mount.process(), "VmRSS")) / 1024);

  const bool found = CheckFind(server, mount, dir);
  PrintAfterFind(mount, options.pods);
  using Churn = ClusterServer::Churn;
  MeasureChurn("pods change, nobody reads", server, mount, Churn::kModify, 10);
  MeasureChurn("pods come and go, nobody reads", server, mount, Churn::kComeAndGo, 10);
  std::atomic<bool> over{false};
  std::atomic<std::size_t> reads{0};
  std::thread reader([&] {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(pods)) {
      names.push_back(entry.path().string() + "/containers");
    }
    for (std::size_t i = 0; !over; ++i) {
      Slurp(names[i * 31 % names.size()] + "/../phase");
      if (++reads % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  const auto reading = SteadyClock::now();
  MeasureChurn("pods change under a reader", server, mount, Churn::kModify, 10);
  MeasureChurn("pods come and go under a reader", server, mount, Churn::kComeAndGo, 10);
  std::printf("    the reader made %.0f reads of files a second\n",
              static_cast<double>(reads) / Since(reading));
  over = true;
  reader.join();
  return found ? 0 : 1;
}

}  // namespace
}  // namespace downwardfs::client

int main(int argc, char** argv) {
  downwardfs::client::ClusterServer::Options options;
  if (argc > 1) options.pods = std::strtoul(argv[1], nullptr, 10);
  if (argc > 2) options.nodes = std::strtoul(argv[2], nullptr, 10);
  if (argc > 3) options.events_per_second = std::strtoul(argv[3], nullptr, 10);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return downwardfs::client::Run(options);
}
