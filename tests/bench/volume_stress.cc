// SPDX-License-Identifier: Apache-2.0
//
// Volumes of both layouts in one serving process, under users of every kind, while versions come
// all the time, the kernel's caches are dropped, and volumes are unmounted in every way and mounted
// again. Fails at the first failed call, torn or mixed or older content, hang, event that did not
// lead a watcher to the last state, or at memory that is not given back. Needs root and /dev/fuse.
//
//     volume_stress [--seconds N] [--volumes N] [--rate N]        60, 6 and 300 a second
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "tests/bench/private_mounts.h"
#include "tests/bench/stress_worker.h"
#include "tests/bench/volume_server.h"

namespace downwardfs::bench {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHangs = 20 * kSecond;
constexpr std::int64_t kSlack = 24 << 20;              // of memory: what the allocator may keep
constexpr bool kWithoutSanitizer = WITHOUT_SANITIZER;  // false: a sanitizer keeps what was freed

struct Plan {
  int seconds = 60;
  int volumes = 6;
  int rate = 300;
};

class Stress {
 public:
  Stress(Plan plan, std::string base)
      : plan_(plan), server_(VolumeServer::Start(base)), random_(plan.seconds) {
    void* memory = mmap(nullptr, sizeof(WorkerState) * kWorkerKinds, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    states_ = static_cast<WorkerState*>(memory);
    for (int i = 0; i < plan_.volumes; ++i) Mount(i);
    for (int i = 0; i < kWorkerKinds; ++i) {
      states_[i].alive_ns = NowNs();
      workers_.push_back(
          StartWorker(static_cast<WorkerKind>(i), plan_.volumes, *server_, states_[i]));
    }
  }

  int Run() {
    const std::int64_t start = NowNs();
    const std::int64_t end = start + plan_.seconds * kSecond;
    std::int64_t early = 0;
    std::int64_t next_check = start + kSecond * plan_.seconds / 4;
    server_->Churn(plan_.rate);
    while (failure_.empty() && NowNs() < end) {
      Disturb();
      usleep(random_() % 200'000);
      CheckWorkers();
      if (NowNs() < next_check) continue;
      next_check = NowNs() + std::clamp<std::int64_t>(plan_.seconds / 10, 2, 60) * kSecond;
      CheckFinalStates();
      server_->leaving();  // lets go of those that have ended
      const std::int64_t resident = server_->ResidentBytes();
      if (early == 0) early = resident;
      if (kWithoutSanitizer && resident > early + early / 4 + kSlack) Fail("memory grows");
      std::printf("%4lld s: %s, %.1f MB\n", static_cast<long long>((NowNs() - start) / kSecond),
                  Rounds().c_str(), static_cast<double>(resident) / (1 << 20));
      server_->Churn(plan_.rate);
    }
    if (failure_.empty()) CheckFinalStates();
    for (const pid_t worker : workers_) kill(worker, SIGKILL);
    for (const pid_t worker : workers_) waitpid(worker, nullptr, 0);
    if (failure_.empty()) CheckGivenBack();
    std::printf("%s: %s; %d unmounts, %d drops of caches\n",
                failure_.empty() ? "passed" : failure_.c_str(), Rounds().c_str(), unmounts_,
                drops_);
    return failure_.empty() ? 0 : 1;
  }

 private:
  void Fail(const std::string& what) {
    if (!failure_.empty()) return;
    failure_ = "FAILED: " + what;
    PrintStacks();
  }

  // For who has to find out: where in the kernel all processes are.
  void PrintStacks() const {
    std::vector<pid_t> all = workers_;
    all.push_back(server_->pid());
    for (const pid_t pid : all) {
      const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
      std::error_code gone;
      for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
        std::ifstream comm(task.path() / "comm");
        std::ifstream stack(task.path() / "stack");
        std::string line;
        std::getline(comm, line);
        std::printf("-- %d %s\n", pid, line.c_str());
        for (int i = 0; i < 8 && std::getline(stack, line); ++i) std::printf("%s\n", line.c_str());
      }
    }
  }

  void Mount(int volume) { server_->Mount({volume, volume % 2 != 0, true}); }

  void Disturb() {
    const int volume = static_cast<int>(random_() % static_cast<unsigned>(plan_.volumes));
    switch (random_() % 6) {
      case 0:
        DropCaches();
        break;
      case 1:
        Remount(volume, MNT_DETACH);
        break;
      case 2:
        Remount(volume, MNT_FORCE);
        break;
      case 3:
        Remount(volume, -1);
        break;
      default:
        break;
    }
  }

  void DropCaches() {
    const OwnedFd file(open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));
    if (write(file.get(), "2", 1) == 1) ++drops_;
  }

  // Unmounts by umount2(2), or with -1 from the server's side, and mounts again.
  void Remount(int volume, int flags) {
    SharedVolume& shared = server_->shared().volumes[volume];
    ++shared.epoch;
    const std::string path = server_->Path(volume);
    if (flags != MNT_DETACH) ++shared.forced;
    if (flags == MNT_FORCE) umount2(path.c_str(), MNT_FORCE);
    if (flags == MNT_DETACH) {
      umount2(path.c_str(), MNT_DETACH);
      server_->Detach(volume);  // goes on for those who use it
    } else {
      server_->Unmount(volume);
    }
    Mount(volume);
    ++shared.epoch;
    ++unmounts_;
  }

  void CheckWorkers() {
    for (int i = 0; i < kWorkerKinds; ++i) {
      const std::string name = NameOf(static_cast<WorkerKind>(i));
      if (states_[i].failed) Fail(name);
      if (NowNs() - states_[i].alive_ns > kHangs) Fail(name + " hangs");
      if (waitpid(workers_[static_cast<std::size_t>(i)], nullptr, WNOHANG) > 0) {
        Fail(name + " has ended");
      }
    }
  }

  // No version comes after the last one: whoever watches must get to it.
  void CheckFinalStates() {
    server_->Churn(0);
    const WorkerState& watcher = states_[static_cast<int>(WorkerKind::kWatch)];
    const std::int64_t end = NowNs() + kHangs;
    for (int i = 0; i < plan_.volumes && failure_.empty();) {
      const auto last = static_cast<std::int64_t>(server_->shared().volumes[i].number.load());
      if (watcher.seen[i] == last) {
        ++i;
      } else if (NowNs() > end) {
        Fail("the watcher saw " + std::to_string(watcher.seen[i]) + " of volume " +
             std::to_string(i) + ", which shows " + std::to_string(last));
      } else {
        usleep(1000);
        CheckWorkers();
      }
    }
  }

  void CheckGivenBack() {
    const std::int64_t end = NowNs() + kHangs;
    for (int i = 0; i < plan_.volumes && failure_.empty();) {
      DropCaches();
      const ServerStats stats = server_->Stats(i);
      if (stats.versions <= 1 && stats.lookups <= 40 && stats.open_files == 0) {
        if (stats.without_events > 0) Fail("versions without events");
        ++i;
      } else if (NowNs() > end) {
        Fail("volume " + std::to_string(i) + " keeps " + std::to_string(stats.versions) +
             " versions, " + std::to_string(stats.lookups) + " lookups, " +
             std::to_string(stats.open_files) + " open files");
      } else {
        usleep(100'000);
      }
    }
    while (failure_.empty() && server_->leaving() > 0) {
      if (NowNs() > end) Fail(std::to_string(server_->leaving()) + " volumes never end");
      usleep(10'000);
    }
  }

  std::string Rounds() const {
    std::string out;
    for (int i = 0; i < kWorkerKinds; ++i) {
      out += (i == 0 ? "" : ", ") + std::string(NameOf(static_cast<WorkerKind>(i))) + " " +
             std::to_string(states_[i].rounds);
    }
    std::uint64_t versions = 0;
    for (int i = 0; i < plan_.volumes; ++i) versions += server_->shared().volumes[i].number;
    return out + "; " + std::to_string(versions) + " versions";
  }

  const Plan plan_;
  const std::unique_ptr<VolumeServer> server_;
  std::minstd_rand random_;
  WorkerState* states_ = nullptr;
  std::vector<pid_t> workers_;
  std::string failure_;
  int unmounts_ = 0;
  int drops_ = 0;
};

}  // namespace
}  // namespace downwardfs::bench

int main(int argc, char** argv) {
  using namespace downwardfs::bench;
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const int value = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) plan.seconds = value;
    if (std::strcmp(argv[i], "--volumes") == 0) plan.volumes = value;
    if (std::strcmp(argv[i], "--rate") == 0) plan.rate = value;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return Stress(plan, EnterPrivateMounts()).Run();
}
