// SPDX-License-Identifier: Apache-2.0
// Has a child of this process find something out: what a child does (another user, another mount
// namespace, a call that may never return) does not change or hold up this process. For a process
// with one thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace downwardfs {

struct ChildAnswer {
  std::string text;
  int exit_status = -1;  ///< -1: a signal ended the child
};

/// Runs `body` in a child: it writes the text to `out`, a pipe, and returns the exit status.
/// kDeadlineExceeded if nothing comes for `patience` (nothing: for ever): the child is killed then,
/// and left to itself if it hangs in the kernel, where not even that ends it.
Result<ChildAnswer> AskChild(const std::function<int(int out)>& body,
                             std::optional<std::chrono::milliseconds> patience = std::nullopt);

}  // namespace downwardfs
