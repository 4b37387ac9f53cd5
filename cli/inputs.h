// SPDX-License-Identifier: Apache-2.0
// From the options SOURCE and WHAT to a source of objects, a pod and a view. Main thread.
#pragma once

#include <memory>

#include "base/object_source.h"
#include "base/result.h"
#include "cli/command_line.h"
#include "fs/projection/projector.h"

namespace downwardfs {

/// What a command works on.
struct Inputs {
  std::unique_ptr<ObjectSource> source;
  ObjectKey pod;
  VolumeView view;
  /// Begins to follow changes; starts the source's thread.
  std::function<Status()> follow;
};

/// Opens the source (reads the files once) and finds the pod. Errors name the file and the rule.
Result<Inputs> OpenInputs(const SourceOptions& source, const std::string& pod);
/// The same, with the view that `what` asks for.
Result<Inputs> OpenInputs(const SourceOptions& source, const WhatOptions& what);

}  // namespace downwardfs
