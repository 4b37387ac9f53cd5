// SPDX-License-Identifier: Apache-2.0
//
// Runs a program to its end and returns what it printed: for exec plugins. Never through a shell;
// from a process with threads (posix_spawn, no code runs between fork and exec); with a time limit
// and a way to give up, after which the program's process group is killed and reaped. Any thread;
// the calling thread blocks.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs::client {

/// Tells a running RunProcess to stop. Sticky. Any thread.
class CancelFlag {
 public:
  CancelFlag();
  void Set();
  bool IsSet() const;
  int fd() const { return event_.get(); }  ///< readable once set; for poll

 private:
  OwnedFd event_;
};

/// The program to run.
struct ProcessSpec {
  std::string path;                      ///< of the executable; not searched for
  std::vector<std::string> argv;         ///< argv[0] first
  std::vector<std::string> environment;  ///< NAME=value
  /// The program gets our standard input and may ask on the terminal; its group is then ours, as
  /// the terminal stops readers of other groups. Otherwise its input is /dev/null and it leads a
  /// group.
  bool interactive = false;
  bool show_stderr = false;  ///< pass its standard error on to ours as it comes
  std::chrono::milliseconds timeout{60000};
  std::size_t max_output = std::size_t{1} << 20;  ///< more is an error
};

/// How it ended.
struct ProcessOutput {
  int exit_code = 0;  ///< 128 + signal if a signal ended it
  std::string out;
  std::string err;  ///< its last 64 KB
};

/// Runs programs; tests have their own.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  /// kNotFound if there is no such executable, kDeadlineExceeded, kCancelled, kResourceExhausted;
  /// otherwise how the program ended, be it with failure.
  virtual Result<ProcessOutput> Run(const ProcessSpec& spec, const CancelFlag& cancel) = 0;

  /// The file that `command` names: itself if it has a slash, else the first executable of that
  /// name in $PATH (relative directories in $PATH are passed over, as Go does). Empty if no
  /// file is.
  virtual std::string Find(const std::string& command) = 0;

  /// True if our standard input is a terminal that a program can ask on.
  virtual bool HasTerminal() const = 0;

  /// Our environment, NAME=value.
  virtual std::vector<std::string> Environment() const = 0;

  /// The machine.
  static ProcessRunner& Real();
};

}  // namespace downwardfs::client
