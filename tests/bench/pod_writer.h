// SPDX-License-Identifier: Apache-2.0
//
// Pods of a large cluster for benchmarks, made from a captured one: what differs from pod to pod in
// a real cluster differs here, and is random where it is random there (uids, container ids, tokens'
// names, addresses, times), so that compression finds no more than it would there. Twenty pods are
// replicas of one workload and share its labels, image and owner; thirty share a node.
// Immutable; any thread.
#pragma once

#include <cstddef>
#include <string>

namespace downwardfs::client {

class PodWriter {
 public:
  PodWriter();

  /// The JSON of pod number `i`; the same for the same number.
  std::string Write(std::size_t i) const;

 private:
  std::string captured_;
};

}  // namespace downwardfs::client
