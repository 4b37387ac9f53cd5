// SPDX-License-Identifier: Apache-2.0
// The other programs of the same build or installation. Main thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace downwardfs {

/// The file that this process runs.
Result<std::string> OwnPath();

/// A program of ours that is not for people: in ../libexec/downwardfs beside bin, in a build tree
/// in
/// ../mount-helper. kFailedPrecondition where it is not there.
Result<std::string> FindOwnProgram(const std::string& name);

/// execv(3) of words[0]; returns only where that fails.
Status ExecProgram(std::vector<std::string> words);

}  // namespace downwardfs
