// SPDX-License-Identifier: Apache-2.0
#include "cli/run_main.h"

#include <csignal>
#include <cstdio>
#include <exception>

#include "base/process.h"
#include "base/text.h"

namespace downwardfs {

int RunMain(const char* program, const std::function<Result<int>()>& work) {
  BeginProcess();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto status = work();
    if (status) return *status;
    std::fprintf(stderr, "%s: %s\n", program, OneLine(status.error().message).c_str());
  } catch (const std::exception& e) {
    // Adapters catch what libraries throw; what is left is memory running out.
    std::fprintf(stderr, "%s: %s\n", program, e.what());
  }
  return 1;
}

}  // namespace downwardfs
