// SPDX-License-Identifier: Apache-2.0
//
// A large cluster on a loopback port, in a process of its own, so that its memory and its time are
// not the daemon's: lists in prepared pages of 500, and watches that send changes at a given rate
// once they are told to. Pods are those of pod_writer.h in ten namespaces.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace downwardfs::client {

class ClusterServer {
 public:
  struct Options {
    std::size_t pods = 100'000;
    std::size_t nodes = 5'000;
    std::size_t events_per_second = 1'000;
  };
  /// Starts the process and waits until it listens.
  explicit ClusterServer(Options options);
  /// Ends it.
  ~ClusterServer();
  ClusterServer(const ClusterServer&) = delete;
  ClusterServer& operator=(const ClusterServer&) = delete;

  const std::string& url() const { return url_; }
  /// Changes pods (kModify), or makes and deletes them (kComeAndGo), from now on; kRest: neither.
  enum class Churn { kRest, kModify, kComeAndGo };
  void SetChurn(Churn churn) const;
  /// Events sent so far.
  std::size_t events() const;

 private:
  struct Shared;
  Shared* shared_ = nullptr;  // memory of both processes
  pid_t process_ = -1;
  std::string url_;
};

}  // namespace downwardfs::client
