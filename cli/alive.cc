// SPDX-License-Identifier: Apache-2.0
// `downwardfs alive`: for probes.
#include <utility>

#include "cli/ask_status.h"
#include "cli/commands.h"

namespace downwardfs {

Result<int> RunAlive(const AliveOptions& options) {
  if (auto alive = AskAlive(options.path); !alive) return Fail(std::move(alive.error()));
  return 0;
}

}  // namespace downwardfs
