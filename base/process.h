// SPDX-License-Identifier: Apache-2.0
// Steps of a process that becomes another program, or that goes on without its caller. Each is safe
// in a child of fork(2) that has one thread, as long as its words were made before.
#pragma once

#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// The first call of every main(): descriptors 0, 1 and 2 that the caller has closed are opened, or
/// the next file that we open would be taken for a standard stream. Reading or writing them fails
/// with EBADF, as before. SIGCHLD is no longer ignored: with it ignored, wait(2) learns nothing.
/// SIGPIPE and SIGXFSZ are ignored from now on: a reader that went away, or a file that grew to its
/// limit, is an error of write(2).
void BeginProcess();

/// Files and directories that this process makes keep their owner's rights, whatever its caller's
/// umask is: it opens them again.
void KeepOwnersRights();

/// The file that this process runs (/proc/self/exe).
Result<std::string> OwnProgramPath();

/// The path that a program was started from: what /proc/PID/exe says, without the " (deleted)" that
/// the kernel adds once another file has taken its place.
std::string StartedFrom(std::string exe);

/// The argv of execv(3) and its like: pointers into `words`, then null.
std::vector<char*> ExecArguments(const std::vector<std::string>& words);

/// execv(3) of words[0]. Returns only if that fails.
Status ExecProgram(const std::vector<std::string>& words);

/// The same by execvp(3): a name without a slash is looked for in PATH.
Status ExecCommand(const std::vector<std::string>& words);

Result<OwnedFd> OpenNull();

/// Standard input, output and error become `null` (OpenNull()), since somebody may wait for the end
/// of a pipe that was inherited. If it is not open, they stay.
void LeaveStandardStreams(const OwnedFd& null);
/// The same, with a null device of its own.
void LeaveStandardStreams();

/// Closes every file descriptor but these, from `first` on: as a rule the standard streams stay.
void CloseAllBut(std::vector<int> kept, unsigned first = 3);

/// As many open files as the hard limit allows.
void RaiseFileLimit();

/// kResourceExhausted if the stack of a thread may not grow to 1 MiB: we would crash on it.
Status CheckStackLimit();

/// kResourceExhausted if this process may have fewer than `least` files open: better nothing begins
/// than that it ends half-way.
Status CheckFileLimit(unsigned least);

}  // namespace downwardfs
