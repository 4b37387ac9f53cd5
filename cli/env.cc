// SPDX-License-Identifier: Apache-2.0
// `downwardfs env` and `downwardfs exec`: a container's environment, printed or given to a command.
#include "fs/projection/env.h"

#include <csignal>
#include <cstdlib>

#include "base/file.h"
#include "base/process.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/volume_files.h"
#include "fs/projection/env_format.h"
#include "fs/projection/json_access.h"
#include "fs/volume/projection_source.h"

namespace downwardfs {
namespace {

bool HasOwnLimits(const Json& pod) {
  const Json* const spec = FindMember(&pod, "spec");
  return FindMember(FindMember(spec, "resources"), "limits") != nullptr;
}

// With `read_files`, this process sees what the pod's containers see, or the node.
Result<std::vector<EnvVar>> Resolve(const EnvCommandOptions& options, bool read_files) {
  auto inputs = OpenInputs(options.source, options.pod, Usage{});
  if (!inputs) return Fail(std::move(inputs.error()));
  auto loaded = LoadInput(*inputs->source, inputs->pod);
  if (!loaded) return Fail(std::move(loaded.error()));
  // The pod's own limits count only for what its node has (defaultPodLimitsForDownwardAPI). A node
  // that may not be read is taken to have it.
  if (inputs->source->IsServer() && HasOwnLimits(loaded->input.pod->root())) {
    if (auto node = RequireNode(*inputs->source, *loaded); !node) {
      return Fail(std::move(node.error()));
    }
  }
  VolumeFiles volume_files(loaded->input.pod->root(), options.container);
  EnvFiles* const files = read_files ? &volume_files : nullptr;
  const auto resolve = [&](const EnvOptions& how) {
    const Json* node = loaded->input.node ? &loaded->input.node->root() : nullptr;
    return ResolveEnv(loaded->input.pod->root(), options.container, node, inputs->env_objects.get(),
                      how, files);
  };
  EnvOptions how;
  how.strict_names = options.strict_names;
  how.service_env = options.service_env;
  how.unknown_fields = loaded->input.unknown_fields;
  const EnvOptions strictly = how;
  how.skip_unresolved = options.skip_unresolved;
  if (loaded->node) return resolve(how);
  // Strictly first: only if that fails may the node have been what was missing.
  auto variables = resolve(strictly);
  if (variables) return variables;
  const bool node_may_help = variables.error().code == ErrorCode::kFailedPrecondition;
  if (!node_may_help && !how.skip_unresolved) return variables;
  if (auto node = RequireNode(*inputs->source, *loaded); !node) {
    return Fail(std::move(node.error()));
  }
  variables = resolve(how);
  if (!variables && node_may_help && !loaded->node) {
    const std::string reason = inputs->source->State().last_error;
    if (!reason.empty()) variables.error().message += " (" + reason + ")";
  }
  return variables;
}

}  // namespace

Result<int> RunEnv(const EnvCommandOptions& options) {
  auto variables = Resolve(options, /*read_files=*/false);
  if (!variables) return Fail(std::move(variables.error()));
  const EnvFormat format = options.format == "json"    ? EnvFormat::kJson
                           : options.format == "shell" ? EnvFormat::kShell
                                                       : EnvFormat::kDotenv;
  const std::string text = FormatEnv(*variables, format);
  if (auto done = WriteAll(STDOUT_FILENO, text, "standard output"); !done) {
    return Fail(std::move(done.error()));
  }
  return 0;
}

Result<int> RunExec(const EnvCommandOptions& options) {
  auto variables = Resolve(options, /*read_files=*/true);
  if (!variables) return Fail(std::move(variables.error()));
  for (const EnvVar& variable : *variables) {
    if (variable.value.find('\0') != std::string::npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  "env " + variable.name + ": contains a NUL byte, which no environment can hold");
    }
    setenv(variable.name.c_str(), variable.value.c_str(), 1);  // NOLINT: no thread exists
  }
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  return Fail(ExecCommand(options.command).error());
}

}  // namespace downwardfs
