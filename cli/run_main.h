// SPDX-License-Identifier: Apache-2.0
// The frame that main() of each program puts around its work. Main thread.
#pragma once

#include <functional>

#include "base/result.h"

namespace downwardfs {

/// Calls BeginProcess() (base/process.h), runs `work` and gives the exit status: its own, or 1
/// after one line "PROGRAM: why" on standard error.
int RunMain(const char* program, const std::function<Result<int>()>& work);

}  // namespace downwardfs
