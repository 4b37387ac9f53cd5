// SPDX-License-Identifier: Apache-2.0
// Runs programs as a user would, and waits for conditions instead of sleeping.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace downwardfs::testing {

struct Outcome {
  int exit_code = -1;  ///< 128 + N after signal N
  std::string out;
  std::string err;
};

struct RunOptions {
  std::string input;
  std::map<std::string, std::string> env;  ///< added to this process's
  unsigned uid = 0;                        ///< run as this user; 0: as we are
  std::chrono::seconds limit{60};          ///< then it is killed and the test fails
};

/// Runs `argv` to its end. Does not wait for grandchildren that keep the output open.
Outcome RunProgram(const std::vector<std::string>& argv, const RunOptions& options = {});

/// The program under test with these arguments.
Outcome Downwardfs(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// Waits until `condition` holds; false if it does not within `limit`. A machine whose disk stalls
/// holds up every process for half a minute.
bool Eventually(const std::function<bool()>& condition,
                std::chrono::seconds limit = std::chrono::seconds(60));

/// The bytes of a file; a failure of the test if it cannot be read.
std::string Slurp(const std::string& path);

}  // namespace downwardfs::testing
