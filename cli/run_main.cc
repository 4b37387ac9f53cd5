// SPDX-License-Identifier: Apache-2.0
#include "cli/run_main.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "base/process.h"
#include "base/text.h"

namespace downwardfs {

int RunMain(const char* program, const std::function<Result<int>()>& work) {
  BeginProcess();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that would exceed ulimit -f is an error, not our end
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
