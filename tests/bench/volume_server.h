// SPDX-License-Identifier: Apache-2.0
//
// Serves volumes in a process of its own, as the daemon does, while this process measures: caches,
// locks and threads are then those of real life. The two talk over a socket; what is read often
// (numbers, times) lies in shared memory.
//
// Start() forks, so it comes before any thread. One owner, one thread; the shared figures may be
// read by any process that was forked later. Needs root.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/owned_fd.h"

namespace downwardfs::bench {

inline constexpr int kMaxVolumes = 1000;

/// The state of one volume that both processes see.
struct SharedVolume {
  std::atomic<std::uint64_t> number{0};       ///< the last that was published
  std::atomic<std::int64_t> published_ns{0};  ///< CLOCK_MONOTONIC, right before that Publish()
  std::atomic<std::uint32_t> epoch{0};        ///< odd: being unmounted or mounted
  std::atomic<std::uint32_t> forced{0};       ///< how often its users were cut off
};

struct Shared {
  SharedVolume volumes[kMaxVolumes];
};

struct MountRequest {
  int volume = 0;
  bool live_layout = false;
  bool kernel_caches = true;
};

struct ServerStats {
  std::uint64_t requests = 0;  ///< that the kernel has sent for the volume
  std::uint64_t flips = 0;
  std::uint64_t without_events = 0;
  std::uint64_t versions = 0;
  std::uint64_t lookups = 0;
  std::uint64_t open_files = 0;
};

class VolumeServer {
 public:
  /// Volume i is mounted at `base`/v<i>, whose directory is made. Ends the process where it fails.
  static std::unique_ptr<VolumeServer> Start(const std::string& base);
  /// Unmounts all and waits for the process.
  ~VolumeServer();

  std::string Path(int volume) const { return base_ + "/v" + std::to_string(volume); }
  Shared& shared() const { return *shared_; }
  pid_t pid() const { return pid_; }

  /// Returns the nanoseconds that the mount took. A failure ends the process with a line.
  std::int64_t Mount(const MountRequest& request);
  /// Ends the volume as the daemon's end does.
  std::int64_t Unmount(int volume);
  /// The volume's public mount is gone: the server lets go of it, and serves who still uses it.
  void Detach(int volume);
  /// Publishes the next version. Does not wait for it.
  void Publish(int volume);
  /// Publishes one version after another for so long; returns how many were shown.
  std::uint64_t FlipFor(int volume, std::int64_t ms);
  /// While it is on, versions are published to volumes at random, about `per_second` of them.
  void Churn(int per_second);
  ServerStats Stats(int volume);
  /// Volumes that are mounted nowhere but are still in use.
  int leaving();
  /// Resident memory of the serving process, after it gave back what it could.
  std::int64_t ResidentBytes();

 private:
  struct Message;
  VolumeServer(std::string base, pid_t pid, OwnedFd socket, Shared* shared);
  Message Call(const Message& message);

  const std::string base_;
  const pid_t pid_;
  const OwnedFd socket_;
  Shared* const shared_;
  friend class ServerProcess;
};

/// CLOCK_MONOTONIC, which all processes share.
std::int64_t NowNs();

}  // namespace downwardfs::bench
