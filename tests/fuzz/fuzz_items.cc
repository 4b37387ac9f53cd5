// SPDX-License-Identifier: Apache-2.0
// From the text of `items` to the files of a volume: of a pod and a node that have what items can
// name. A refusal is one line. The files are sorted, no two have one path, none leads out of the
// volume, their modes are permissions, all together keep to the limit, and a second time they are
// the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fs/projection/projector.h"
#include "fs/volume/volume_version.h"
#include "sources/items_file.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMostBytes = 4096;

void Require(bool holds) {
  if (!holds) std::abort();
}

const ProjectionInput& Input() {
  static const ProjectionInput input = [] {
    ProjectionInput made;
    made.unknown_fields = UnknownFields::kEmpty;
    made.pod = *Document::Parse(
        R"({"metadata":{"name":"web","namespace":"default","uid":"u","labels":{"a":"1","b/c":"\"\n"},)"
        R"("annotations":{"long":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}},)"
        R"("spec":{"nodeName":"n","serviceAccountName":"s","containers":[{"name":"main","resources":)"
        R"({"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"hugepages-2Mi":"4Mi"}}}],)"
        R"("initContainers":[{"name":"init"}]},"status":{"podIP":"10.0.0.1","hostIP":"10.0.0.2"}})");
    made.node = *Document::Parse(
        R"({"metadata":{"name":"n","labels":{"zone":"z"}},"status":{"allocatable":)"
        R"({"cpu":"4","memory":"8Gi","ephemeral-storage":"10Gi"}}})");
    return made;
  }();
  return input;
}

void CheckRefusal(const Error& error) {
  Require(!error.message.empty() && error.message.find('\n') == std::string::npos);
}

void CheckFiles(const std::vector<ProjectedFile>& files) {
  std::size_t bytes = 0;
  const ProjectedFile* before = nullptr;
  for (const ProjectedFile& file : files) {
    Require(before == nullptr || before->path < file.path);
    Require(!file.path.empty() && file.path.front() != '/');
    Require(("/" + file.path + "/").find("/../") == std::string::npos);
    Require(file.path.find('\0') == std::string::npos);
    Require((file.mode & ~0777U) == 0);
    Require(file.problem.empty() || file.content.empty());
    bytes += file.content.size();
    before = &file;
  }
  Require(bytes <= kMostBytes);
  const auto version = VolumeVersion::Make(files, "..data", {});
  Require(version->file_count() == files.size());
}

void Check(std::string_view text) {
  auto items = ParseItems(text);
  if (!items) return CheckRefusal(items.error());
  VolumeView view;
  view.kind = VolumeView::Kind::kItems;
  view.items = std::move(*items);
  view.most_bytes = kMostBytes;
  const auto files = ProjectView(view, Input());
  if (!files) return CheckRefusal(files.error());
  CheckFiles(*files);
  const auto again = ProjectView(view, Input());
  Require(again.has_value() && again->size() == files->size());
  for (std::size_t i = 0; i < files->size(); ++i) {
    Require((*again)[i].path == (*files)[i].path && (*again)[i].content == (*files)[i].content);
  }
}

}  // namespace
}  // namespace downwardfs

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  downwardfs::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
