// SPDX-License-Identifier: Apache-2.0
// From the options SOURCE and WHAT to a source of objects, a pod and a view. Main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/object_source.h"
#include "base/result.h"
#include "cli/command_line.h"
#include "fs/projection/env.h"
#include "fs/projection/projector.h"
#include "sources/server_access.h"

namespace downwardfs {

/// The inputs of a command.
struct Inputs {
  std::unique_ptr<ObjectSource> source;
  ObjectKey pod;  ///< with a uid where the source is a server
  VolumeView view;
  /// Called once the first content is served. Begins to follow changes of a file; a server is
  /// followed from the start, and is not waited for any more.
  std::function<Status()> follow;
  /// ConfigMaps, Secrets and Services, of the server or of the pod's file; null if there are none.
  std::unique_ptr<EnvObjects> env_objects;
};

/// The server that the flags name; nothing where a file has the pod.
std::optional<ServerConfig> ResolveServer(const SourceOptions& source);

/// The use that the command makes of the source.
struct Usage {
  /// It stays and shows changes: waits for a server and for the pod as long as it is let.
  bool follow = false;
  int stop_fd = -1;  ///< readable: stop waiting; -1: none
  /// Of the pod that was shown before; then it is not waited for, as it may be gone. Empty: any.
  std::string uid = {};
  /// Told which server is asked (its description), for which pod, and what is waited for, empty at
  /// first.
  std::function<void(const std::string& source, const ObjectKey& pod, const std::string& why)>
      on_waiting = {};
  /// The stop signals are blocked: while files are read, which may be FIFOs, they end the process
  /// at once (StopAtOnce).
  bool stop_reading = false;
  /// The result of ResolveServer(), if it is known already.
  std::optional<ServerConfig> server = {};
};

/// Opens the source (reads the files once, or asks the server) and finds the pod. Errors name the
/// file or the server and the rule. Starts threads where the source is a server: not before a fork.
Result<Inputs> OpenInputs(const SourceOptions& source, const std::string& pod, Usage usage);
/// The same, with the view that `what` asks for.
Result<Inputs> OpenInputs(const SourceOptions& source, const WhatOptions& what, Usage usage);

}  // namespace downwardfs
