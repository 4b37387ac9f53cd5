// SPDX-License-Identifier: Apache-2.0
// Kills daemons under readers. One caller.
#pragma once

#include <string>
#include <vector>

namespace downwardfs::testing {

struct ChaosOptions {
  int kills = 20;
  bool live = false;       ///< the live layout
  bool resend = true;      ///< false: unanswered requests are found in the slots
  bool memory = true;      ///< now and then the daemon runs out of memory in a control group
  bool upgrades = true;    ///< now and then holder and daemon are replaced by exec
  bool publishers = true;  ///< now and then the publisher's process is killed
  bool stops = true;   ///< now and then SIGSTOP instead, of the daemon, the publisher or the holder
  bool sweeps = true;  ///< now and then the holder is killed, alone or with the publisher
  unsigned sweep_in = 40;  ///< one kill of so many is a sweep
  unsigned seed = 1;
};

struct ChaosResult {
  int kills = 0;
  int stops = 0;
  int upgrades = 0;
  int out_of_memory = 0;
  int publishers = 0;
  int stopped_publishers = 0;
  int stopped_holders = 0;  ///< for a while, in which the daemon may die too
  int holders = 0;          ///< killed alone
  int sweeps = 0;           ///< holder and publisher together, as `fuser -km` does
  int changes = 0;
  long rounds = 0;
  long failures = 0;
  double longest_ms = 0;
  bool final_state_seen = false;
  std::string texts;  ///< of the first failures
};

/// Mounts a pod, lets readers of every kind run, changes the pod all the while, and kills processes
/// at random moments. Once its holder is dead a mount is only changed and read, as the next death
/// would be its end (docs/handover.md); then the pod is mounted again.
ChaosResult RunChaos(const ChaosOptions& options);

/// One line.
std::string Summary(const ChaosResult& result);

}  // namespace downwardfs::testing
