// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/volume_server.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <list>
#include <random>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker_thread.h"
#include "fs/volume/data_dir_name.h"
#include "fs/volume/mounted_volume.h"
#include "tests/bench/volume_content.h"

namespace downwardfs::bench {
namespace {

enum class Op : int {
  kMount,
  kUnmount,
  kDetach,
  kPublish,
  kFlipFor,
  kChurn,
  kStats,
  kResident,
  kLeaving,
  kEnd
};

constexpr int kServingThreads = 4;  // as `downwardfs mount` has

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "volume server: %s\n", what.c_str());
  std::_Exit(1);
}

void SleepNs(std::int64_t ns) {
  timespec time = {ns / 1'000'000'000, ns % 1'000'000'000};
  nanosleep(&time, nullptr);
}

}  // namespace

std::int64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

struct VolumeServer::Message {
  Op op = Op::kEnd;
  MountRequest mount;
  std::int64_t value = 0;
  ServerStats stats;
};

// The other side of the socket.
class ServerProcess {
 public:
  ServerProcess(std::string base, OwnedFd socket, Shared& shared)
      : base_(std::move(base)), socket_(std::move(socket)), shared_(shared) {
    auto loop = SessionLoop::Start(kServingThreads);
    if (!loop) Die(loop.error().message);
    loop_ = std::move(*loop);
  }

  void Serve() {
    VolumeServer::Message message;
    while (recv(socket_.get(), &message, sizeof message, 0) == sizeof message) {
      const bool last = message.op == Op::kEnd;
      if (last) {
        per_second_ = 0;
        churn_.Join();
        for (auto& volume : volumes_) volume.reset();
        leaving_.clear();
      } else {
        Handle(message);
      }
      if (message.op == Op::kPublish) continue;
      if (send(socket_.get(), &message, sizeof message, 0) < 0 || last) return;
    }
  }

 private:
  using Message = VolumeServer::Message;

  void Handle(Message& message) {
    const int at = message.mount.volume;
    const std::int64_t start = NowNs();
    switch (message.op) {
      case Op::kMount:
        Mount(message.mount);
        message.value = NowNs() - start;
        break;
      case Op::kUnmount:
        Take(at).reset();
        message.value = NowNs() - start;
        break;
      case Op::kDetach:
        leaving_.push_back(Take(at));
        leaving_.back()->Detach();
        break;
      case Op::kPublish:
        PublishTo(at);
        break;
      case Op::kFlipFor:
        message.value = FlipFor(at, message.value);
        break;
      case Op::kChurn:
        Churn(static_cast<int>(message.value));
        break;
      case Op::kStats:
        message.stats = StatsOf(*volumes_[static_cast<std::size_t>(at)]);
        break;
      case Op::kResident:
        message.value = Resident();
        break;
      case Op::kLeaving:
        leaving_.remove_if([](const auto& volume) {
          std::uint64_t ended = 0;
          return read(volume->ended_fd(), &ended, sizeof ended) == sizeof ended;
        });
        message.value = static_cast<std::int64_t>(leaving_.size());
        break;
      case Op::kEnd:
        break;
    }
  }

  VolumeVersionPtr NextVersion(int volume) EXCLUDES(namer_mutex_) {
    const auto number = ++shared_.volumes[volume].number;
    MutexLock lock(namer_mutex_);
    return VolumeVersion::Make(NumberedFiles(number), namer_.Next(), Clock::Real().Wall());
  }

  void Mount(const MountRequest& request) {
    MountedVolumeOptions options;
    options.mount_point = base_ + "/v" + std::to_string(request.volume);
    options.source = "downwardfs:bench";
    options.allow_other = true;
    options.layout = request.live_layout ? Layout::kLive : Layout::kKubelet;
    options.kernel_caches = request.kernel_caches;
    mkdir(options.mount_point.c_str(), 0755);
    auto volume = MountedVolume::Mount(options, NextVersion(request.volume), "1", *loop_, lanes_);
    if (!volume) Die(volume.error().message);
    mounted_ = std::max(mounted_.load(), request.volume + 1);
    MutexLock lock(mutex_);
    volumes_[static_cast<std::size_t>(request.volume)] = std::move(*volume);
  }

  std::unique_ptr<MountedVolume> Take(int volume) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return std::move(volumes_[static_cast<std::size_t>(volume)]);
  }

  void PublishTo(int at) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    auto& volume = volumes_[static_cast<std::size_t>(at)];
    if (!volume) return;
    auto version = NextVersion(at);
    shared_.volumes[at].published_ns = NowNs();
    volume->Publish(std::move(version), "2");
  }

  std::int64_t FlipFor(int at, std::int64_t ms) {
    MountedVolume& volume = *volumes_[static_cast<std::size_t>(at)];
    const std::uint64_t before = volume.stats().flips;
    const std::int64_t end = NowNs() + ms * 1'000'000;
    // A little faster than it can be shown: of several that wait, the last is shown.
    while (NowNs() < end) {
      volume.Publish(NextVersion(at), "2");
      SleepNs(20'000);
    }
    return static_cast<std::int64_t>(volume.stats().flips - before);
  }

  void Churn(int per_second) {
    per_second_ = 0;
    churn_.Join();
    if (per_second == 0) {
      for (int i = 0; i < kMaxVolumes; ++i) PublishTo(i);
      return;
    }
    per_second_ = per_second;
    churn_ = WorkerThread("churn", [this] {
      std::minstd_rand random(7);
      while (const int rate = per_second_) {
        PublishTo(static_cast<int>(random() % static_cast<unsigned>(mounted_)));
        SleepNs(static_cast<std::int64_t>(random() % 2'000'000) * 1000 / rate);
      }
    });
  }

  static ServerStats StatsOf(const MountedVolume& volume) {
    ServerStats out;
    for (const auto& [kind, count] : volume.requests()) out.requests += count;
    const VolumeStats stats = volume.stats();
    out.flips = stats.flips;
    out.without_events = volume.without_events();
    out.versions = stats.versions;
    out.lookups = stats.lookups;
    out.open_files = stats.open_files;
    return out;
  }

  static std::int64_t Resident() {
    malloc_trim(0);
    std::ifstream in("/proc/self/statm");
    std::int64_t total = 0;
    std::int64_t resident = 0;
    in >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE);
  }

  const std::string base_;
  const OwnedFd socket_;
  Shared& shared_;
  std::unique_ptr<SessionLoop> loop_;
  LanePool lanes_;
  Mutex namer_mutex_;
  DataDirNamer namer_{Clock::Real()};
  Mutex mutex_;  // of the pointers, for the churn; they are changed by the main thread only
  std::array<std::unique_ptr<MountedVolume>, kMaxVolumes> volumes_;
  std::list<std::unique_ptr<MountedVolume>> leaving_;
  std::atomic<int> per_second_{0};
  std::atomic<int> mounted_{1};  // numbers below it have been in use
  WorkerThread churn_;
};

std::unique_ptr<VolumeServer> VolumeServer::Start(const std::string& base) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) Die("mmap");
  auto* shared = new (memory) Shared;
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) Die("socketpair");
  OwnedFd ours(sockets[0]);
  OwnedFd theirs(sockets[1]);
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1UL);
    ours.Reset();
    {
      ServerProcess server(base, std::move(theirs), *shared);
      server.Serve();
    }
    std::_Exit(0);
  }
  return std::unique_ptr<VolumeServer>(new VolumeServer(base, pid, std::move(ours), shared));
}

VolumeServer::VolumeServer(std::string base, pid_t pid, OwnedFd socket, Shared* shared)
    : base_(std::move(base)), pid_(pid), socket_(std::move(socket)), shared_(shared) {}

VolumeServer::~VolumeServer() {
  Call({Op::kEnd, {}, 0, {}});
  waitpid(pid_, nullptr, 0);
  munmap(shared_, sizeof(Shared));
}

VolumeServer::Message VolumeServer::Call(const Message& message) {
  Message answer = message;
  if (send(socket_.get(), &message, sizeof message, 0) < 0) Die("the serving process is gone");
  if (message.op == Op::kPublish) return answer;
  if (recv(socket_.get(), &answer, sizeof answer, 0) != sizeof answer) {
    Die("the serving process is gone");
  }
  return answer;
}

std::int64_t VolumeServer::Mount(const MountRequest& request) {
  return Call({Op::kMount, request, 0, {}}).value;
}

std::int64_t VolumeServer::Unmount(int volume) {
  return Call({Op::kUnmount, {volume}, 0, {}}).value;
}

void VolumeServer::Detach(int volume) {
  Call({Op::kDetach, {volume}, 0, {}});
}

void VolumeServer::Publish(int volume) {
  Call({Op::kPublish, {volume}, 0, {}});
}

std::uint64_t VolumeServer::FlipFor(int volume, std::int64_t ms) {
  return static_cast<std::uint64_t>(Call({Op::kFlipFor, {volume}, ms, {}}).value);
}

void VolumeServer::Churn(int per_second) {
  Call({Op::kChurn, {}, per_second, {}});
}

ServerStats VolumeServer::Stats(int volume) {
  return Call({Op::kStats, {volume}, 0, {}}).stats;
}

int VolumeServer::leaving() {
  return static_cast<int>(Call({Op::kLeaving, {}, 0, {}}).value);
}

std::int64_t VolumeServer::ResidentBytes() {
  return Call({Op::kResident, {}, 0, {}}).value;
}

}  // namespace downwardfs::bench
