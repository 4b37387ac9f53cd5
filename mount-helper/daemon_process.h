// SPDX-License-Identifier: Apache-2.0
// The daemon as a process: forked, without capabilities, with one end of a channel. For the keeper
// (daemon_keeper.h), on its one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mount-helper/daemon_keeper.h"
#include "mount-helper/input_opener.h"
#include "mount-helper/privileges.h"

namespace downwardfs {

struct DaemonOptions {
  std::vector<std::string> command;
  std::chrono::milliseconds watchdog{10000};  ///< without a sign of life; zero: no watchdog
  std::optional<RunAs> run_as;                ///< absent: the holder's own user
  std::vector<InputsOf> inputs;               ///< that others open for it (input_opener.h)
  int mount_namespace = -1;                   ///< to run in, an open file; -1: the holder's
};

class ForkedDaemons final : public DaemonProcesses {
 public:
  explicit ForkedDaemons(DaemonOptions options) : options_(std::move(options)) {}

  /// The daemon finds its end of the channel in the variable kHolderFdVariable.
  Result<Started> Start() override;
  void Kill(pid_t pid) override;
  bool IsDying(pid_t pid) override;
  int End(pid_t pid) override;

 private:
  [[noreturn]] void BecomeDaemon(int channel, const std::vector<OwnedFd>& openers) const;

  const DaemonOptions options_;
};

}  // namespace downwardfs
