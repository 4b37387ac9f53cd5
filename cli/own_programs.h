// SPDX-License-Identifier: Apache-2.0
// The other programs of the same build or installation. Main thread.
#pragma once

#include <string>

#include "base/result.h"

namespace downwardfs {

/// A program of ours that is not for people: in ../libexec/downwardfs beside bin, in a build tree
/// in ../mount-helper. kFailedPrecondition if it is not there.
Result<std::string> FindOwnProgram(const std::string& name);

}  // namespace downwardfs
