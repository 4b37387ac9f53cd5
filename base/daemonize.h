// SPDX-License-Identifier: Apache-2.0
//
// Forking into the background "when ready": the caller's shell gets its prompt back only when the
// child says that its work is up (or that it failed). Called by main() before any thread exists.
#pragma once

#include <functional>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// The child's side of a fork that the parent waits for.
class ReadinessPipe {
 public:
  /// An empty one: Ready() does nothing (a process that stays in the foreground).
  ReadinessPipe() = default;
  explicit ReadinessPipe(OwnedFd fd) : fd_(std::move(fd)) {}

  /// Lets the parent exit 0; the standard streams are on /dev/null from now on.
  /// If it is never called, the parent exits with the child's exit status.
  Status Ready();

  /// Gives the writing end away, open over exec(2), to a program that leaves the terminal itself
  /// and writes "1" into it.
  int ReleaseForExec();

 private:
  OwnedFd fd_;
};

/// Forks. The parent does not return: it waits for the child's Ready() or its death, and exits with
/// 0 or the child's status. The child returns with the pipe. Standard error stays the caller's
/// until Ready(), so that errors of the start reach the person who typed the command. The child is
/// in a session of its own from its first moment, and so are the processes that it starts: no
/// signal of the caller's terminal or process group reaches them. Until Ready() the child gets
/// SIGTERM if the parent dies.
/// `killed` is called in the parent if a signal has ended the child before it was ready: what the
/// child has made outside of itself is still there.
Result<ReadinessPipe> ForkUntilReady(const std::function<void()>& killed = {});

}  // namespace downwardfs
