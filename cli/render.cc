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
#include "fs/tree/projection_source.h"

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
  }
  return DumpJson(Json{{"files", std::move(list)}}, 2) + '\n';
}

Result<std::string> RenderField(const std::string& field, const ProjectionInput& input) {
  const Json* node = input.node ? &input.node->root() : nullptr;
  auto value = FieldValue(field, input.pod->root(), node);
  if (!value) return Fail(std::move(value.error()), "--field");
  // For a person the prompt goes on a line of its own; a program gets the exact bytes.
  if (isatty(STDOUT_FILENO) != 0) *value += '\n';
  return value;
}

Result<std::string> RenderView(const RenderOptions& options, const VolumeView& view,
                               const ProjectionInput& input) {
  auto files = ProjectView(view, input);
  if (!files) return Fail(std::move(files.error()));
  for (const ProjectedFile& file : *files) {
    if (!file.problem.empty()) {
      return Fail(ErrorCode::kFailedPrecondition, "item " + file.path + ": " + file.problem);
    }
  }
  return options.json ? AsJson(*files) : AsText(*files);
}

}  // namespace

Result<int> RunRender(const RenderOptions& options) {
  auto inputs = OpenInputs(options.source, options.what);
  if (!inputs) return Fail(std::move(inputs.error()));
  auto loaded = LoadInput(*inputs->source, inputs->pod);
  if (!loaded) return Fail(std::move(loaded.error()));
  auto text = options.field ? RenderField(*options.field, loaded->input)
                            : RenderView(options, inputs->view, loaded->input);
  if (!text) return Fail(std::move(text.error()));
  if (auto done = WriteAll(STDOUT_FILENO, *text, "standard output"); !done) {
    return Fail(std::move(done.error()));
  }
  return 0;
}

}  // namespace downwardfs
