// SPDX-License-Identifier: Apache-2.0
//
// The API server of a node, on a loopback port and in a process of its own: noisy pods that change
// at a given rate, one that is quiet, and those that come and go. It sends what is due even if the
// client is behind, as an API server does with its watch cache. Owned by a benchmark.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace downwardfs::bench {

class NodeFeed {
 public:
  struct Options {
    std::size_t noisy = 8;     ///< pods noisy-0 and so on
    std::size_t bytes = 3900;  ///< of a noisy pod's JSON, about
    double rate = 1000;        ///< changes a second of each noisy pod, once they are loud
  };
  static constexpr char kQuiet[] = "quiet";

  /// Starts the process and waits until it listens.
  explicit NodeFeed(Options options);
  ~NodeFeed();
  NodeFeed(const NodeFeed&) = delete;
  NodeFeed& operator=(const NodeFeed&) = delete;

  const std::string& url() const { return url_; }
  static std::string NoisyName(std::size_t i) { return "noisy-" + std::to_string(i); }
  void MakeNoise(bool loud) const;
  /// The quiet pod's label `tick` becomes this, now.
  void SetQuiet(std::uint64_t tick) const;
  /// Changes of noisy pods sent so far.
  std::size_t events() const;

 private:
  struct Shared;
  Shared* shared_ = nullptr;  // memory of both processes
  int wake_ = -1;             // an eventfd of both
  pid_t process_ = -1;
  std::string url_;
};

}  // namespace downwardfs::bench
