// SPDX-License-Identifier: Apache-2.0
// The program under test in the background, until it ends by itself or the test ends it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace downwardfs::testing {

class Background {
 public:
  /// Runs `downwardfs WORDS`, or another program; its standard error goes to the file `errors`,
  /// which exists from now.
  Background(std::vector<std::string> words, std::string errors, const std::string& program = "");
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Sends the signal (0: none) and gives the exit status; 128 + N if signal N ended it.
  int Wait(int signal);
  pid_t pid() const { return pid_; }
  /// True once its standard error holds `text`.
  bool Said(const std::string& text) const;

 private:
  const std::string errors_;
  pid_t pid_ = 0;
};

}  // namespace downwardfs::testing
