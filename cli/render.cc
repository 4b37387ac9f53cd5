// SPDX-License-Identifier: Apache-2.0
// `downwardfs render`: what a mount would show, once, on standard output.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "fs/projection/field_ref.h"
#include "fs/volume/projection_source.h"

namespace downwardfs {
namespace {

std::string AsText(const std::vector<ProjectedFile>& files) {
  std::string out;
  for (const ProjectedFile& file : files) {
    out += "==> " + file.path + " <==\n" + file.content + '\n';
  }
  return out;
}

std::string AsJson(const std::vector<ProjectedFile>& files) {
  Json list = Json::object();
  for (const ProjectedFile& file : files) {
    Json& entry = list[file.path];
    if (IsValidUtf8(file.content)) {
      entry["content"] = file.content;
    } else {
      entry["contentBase64"] = Base64Encode(file.content);
    }
    entry["mode"] = file.mode;
    if (file.user) entry["user"] = *file.user;
  }
  return DumpJson(Json{{"files", std::move(list)}}, 2) + '\n';
}

// "the node is not known" alone does not tell what to do about it.
Error WithNodeReason(Error error, const ObjectSource& source) {
  const std::string reason = source.State().last_error;
  if (!reason.empty()) error.message += " (" + reason + ")";
  return error;
}

Result<std::string> RenderField(const std::string& field, const Inputs& inputs) {
  auto loaded = LoadInput(*inputs.source, inputs.pod);
  if (!loaded) return Fail(std::move(loaded.error()));
  const auto compute = [&] {
    const Json* node = loaded->input.node ? &loaded->input.node->root() : nullptr;
    const Json* ns = loaded->input.ns ? &loaded->input.ns->root() : nullptr;
    return FieldValue(field, {loaded->input.pod->root(), node, ns}, loaded->input.unknown_fields);
  };
  auto value = compute();
  if (!value && value.error().code == ErrorCode::kFailedPrecondition) {
    auto other = IsNamespaceField(field) ? RequireNamespace(*inputs.source, *loaded)
                                         : RequireNode(*inputs.source, *loaded);
    if (!other) return Fail(std::move(other.error()));
    value = compute();
    if (!value) return Fail(WithNodeReason(std::move(value.error()), *inputs.source), "--field");
  }
  if (!value) return Fail(std::move(value.error()), "--field");
  // For a person the prompt goes on a line of its own; a program gets the exact bytes.
  if (isatty(STDOUT_FILENO) != 0) *value += '\n';
  return value;
}

Result<std::string> RenderView(const RenderOptions& options, const Inputs& inputs) {
  auto projection = ProjectFrom(*inputs.source, inputs.pod, inputs.view);
  if (!projection) return Fail(std::move(projection.error()));
  for (const ProjectedFile& file : projection->files) {
    if (!file.problem.empty()) {
      Error error{ErrorCode::kFailedPrecondition, "item " + file.path + ": " + file.problem};
      return Fail(WithNodeReason(std::move(error), *inputs.source));
    }
  }
  return options.json ? AsJson(projection->files) : AsText(projection->files);
}

}  // namespace

Result<int> RunRender(const RenderOptions& options) {
  auto inputs = OpenInputs(options.source, options.what, Usage{});
  if (!inputs) return Fail(std::move(inputs.error()));
  auto text = options.field ? RenderField(*options.field, *inputs) : RenderView(options, *inputs);
  if (!text) return Fail(std::move(text.error()));
  if (auto done = WriteAll(STDOUT_FILENO, *text, "standard output"); !done) {
    return Fail(std::move(done.error()));
  }
  return 0;
}

}  // namespace downwardfs
