// SPDX-License-Identifier: Apache-2.0
// The state of a pod as `kubectl get pods` prints it, from its JSON. A value and a pure function;
// any thread.
#pragma once

#include <cstdint>
#include <string>

namespace downwardfs {

struct PodState {
  std::string name;
  std::string reason;  ///< the column STATUS: "Running", "CrashLoopBackOff", "Init:0/2"
  int ready = 0;
  int containers = 0;  ///< native sidecars are among them
  std::int64_t restarts = 0;
  std::int64_t created = 0;  ///< seconds since 1970; 0: unknown
  std::string ip;
  std::string node;
  std::string nominated_node;
  int gates = 0;  ///< readiness gates
  int open_gates = 0;
};

/// printPod of Kubernetes' pkg/printers/internalversion/printers.go (1.20, and what came since for
/// native sidecars, scheduling gates and finished pods that are deleted).
PodState ReadPodState(const std::string& json);

}  // namespace downwardfs
