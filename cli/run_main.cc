// SPDX-License-Identifier: Apache-2.0
#include "cli/run_main.h"

#include <cstdio>
#include <exception>
#include <new>

#include "base/process.h"
#include "base/text.h"

namespace downwardfs {

int RunMain(const char* program, const std::function<Result<int>()>& work) {
  BeginProcess();
  try {
    const Status stack = CheckStackLimit();
    const auto status = stack ? work() : Result<int>(Fail(stack.error()));
    if (status) return *status;
    std::fprintf(stderr, "%s: %s\n", program, OneLine(status.error().message).c_str());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: out of memory (ulimit -v, or the cgroup's limit?)\n", program);
  } catch (const std::exception& e) {
    // Adapters catch what libraries throw; what is left is a thread that cannot be started.
    std::fprintf(stderr, "%s: %s\n", program, e.what());
  }
  return 1;
}

}  // namespace downwardfs
