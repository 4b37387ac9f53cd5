// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/projector.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/projection/field_ref.h"
#include "fs/projection/full_view.h"
#include "fs/projection/resource_ref.h"

namespace downwardfs {
namespace {

struct Value {
  Result<std::string> content;
  std::string source;
};

Value Compute(const Item& item, const ProjectionInput& input) {
  const Json* node = input.node ? &input.node->root() : nullptr;
  if (item.field_ref) {
    const std::string& path = item.field_ref->field_path;
    const Json* ns = input.ns ? &input.ns->root() : nullptr;
    return {FieldValue(path, {input.pod->root(), node, ns}, input.unknown_fields), path};
  }
  const ResourceFieldRef& ref = *item.resource_field_ref;
  return {ResourceValue(ref, input.pod->root(), node), ref.resource + " of " + ref.container_name};
}

Error TooMuch(std::size_t most_bytes) {
  return {ErrorCode::kResourceExhausted,
          "the volume's files have more than " + std::to_string(most_bytes) + " bytes"};
}

}  // namespace

Result<std::vector<ProjectedFile>> Project(const ItemSpec& spec, const ProjectionInput& input,
                                           std::size_t most_bytes) {
  std::vector<ProjectedFile> files;
  files.reserve(spec.items.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < spec.items.size(); ++i) {
    const Item& item = spec.items[i];
    Value value = Compute(item, input);
    ProjectedFile file;
    file.path = CleanPath(item.path);
    file.mode = static_cast<std::uint32_t>(item.mode.value_or(spec.default_mode));
    if (const auto user = item.user ? item.user : spec.default_user) {
      file.user = static_cast<std::uint32_t>(*user);
    }
    file.source = std::move(value.source);
    if (value.content) {
      file.content = std::move(*value.content);
      bytes += file.content.size();
      if (bytes > most_bytes) {
        return Fail(TooMuch(most_bytes),
                    "items[" + std::to_string(i) + "] " + QuoteForMessage(item.path));
      }
    } else if (value.content.error().code == ErrorCode::kFailedPrecondition) {
      file.problem = std::move(value.content.error().message);
      const bool of_namespace = item.field_ref && IsNamespaceField(item.field_ref->field_path);
      file.lacks = of_namespace ? ProjectedFile::Lacks::kNamespace : ProjectedFile::Lacks::kNode;
    } else {
      return Fail(std::move(value.content.error()),
                  "items[" + std::to_string(i) + "] " + QuoteForMessage(item.path));
    }
    files.push_back(std::move(file));
  }
  std::reverse(files.begin(), files.end());
  std::stable_sort(files.begin(), files.end(),
                   [](const ProjectedFile& a, const ProjectedFile& b) { return a.path < b.path; });
  files.erase(
      std::unique(files.begin(), files.end(),
                  [](const ProjectedFile& a, const ProjectedFile& b) { return a.path == b.path; }),
      files.end());
  return files;
}

Result<std::vector<ProjectedFile>> ProjectView(const VolumeView& view,
                                               const ProjectionInput& input) {
  const Json& pod = input.pod->root();
  if (view.kind == VolumeView::Kind::kFullView) {
    // A few times the pod, which the API server has bounded.
    auto files = ProjectFullView(pod);
    std::size_t bytes = 0;
    for (const ProjectedFile& file : files) bytes += file.content.size();
    if (bytes > view.most_bytes) return Fail(TooMuch(view.most_bytes));
    return files;
  }
  ItemSpec of_volume;
  const ItemSpec* spec = &view.items;
  if (view.kind == VolumeView::Kind::kVolume) {
    auto found = ItemSpecFromVolume(pod, view.volume);
    if (!found) return Fail(std::move(found.error()));
    of_volume = std::move(*found);
    spec = &of_volume;
  }
  ItemRules rules = view.rules;
  rules.unknown_fields = input.unknown_fields;
  if (auto valid = ValidateItems(*spec, rules, &pod); !valid) {
    return Fail(std::move(valid.error()));
  }
  // In a volume of the pod's own the kubelet lets the last of equal paths win.
  const auto equal_paths =
      view.kind == VolumeView::Kind::kVolume ? EqualPaths::kLastWins : EqualPaths::kRefused;
  if (auto valid = ValidateLayout(*spec, equal_paths); !valid) {
    return Fail(std::move(valid.error()));
  }
  return Project(*spec, input, view.most_bytes);
}

}  // namespace downwardfs
