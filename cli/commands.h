// SPDX-License-Identifier: Apache-2.0
// The subcommands, one file each. main() calls exactly one of them, on the main thread.
#pragma once

#include "base/result.h"
#include "cli/command_line.h"

namespace downwardfs {

/// Each returns the process's exit status, or the error that main() prints as one line (exit 1).
Result<int> RunMount(const MountOptions& options);
Result<int> RunRender(const RenderOptions& options);
Result<int> RunEnv(const EnvCommandOptions& options);
Result<int> RunExec(const EnvCommandOptions& options);
Result<int> RunWrite(const WriteOptions& options);
Result<int> RunStatus(const StatusOptions& options);
Result<int> RunAlive(const AliveOptions& options);
Result<int> RunUmount(const UmountOptions& options);
Result<int> RunUpgrade(const UpgradeOptions& options);
Result<int> RunCsi(const CsiOptions& options);

}  // namespace downwardfs
