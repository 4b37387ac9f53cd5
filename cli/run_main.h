// SPDX-License-Identifier: Apache-2.0
// The frame that main() of each program puts around its work. Main thread.
#pragma once

#include <functional>

#include "base/result.h"

namespace downwardfs {

/// Calls BeginProcess() (base/process.h), runs `work` and gives the exit status: its own, or 1
/// after one line "PROGRAM: why" on standard error. SIGPIPE and SIGXFSZ are ignored from now on: a
/// reader that went away, or a file that grew to its limit, is an error of write(2).
int RunMain(const char* program, const std::function<Result<int>()>& work);

}  // namespace downwardfs
