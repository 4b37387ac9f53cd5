// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/object_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "fs/cluster/node_view.h"
#include "fs/projection/document.h"
#include "fs/projection/full_view.h"

namespace downwardfs {
namespace {

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool ByPath(const ProjectedFile& file, std::string_view path) {
  return file.path < path;
}

// People's tools want lines. An empty value stays an empty file.
std::unique_ptr<const std::vector<ProjectedFile>> Finished(std::vector<ProjectedFile> files) {
  for (ProjectedFile& file : files) {
    if (!file.content.empty() && file.content.back() != '\n') file.content += '\n';
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return std::make_unique<const std::vector<ProjectedFile>>(std::move(files));
}

Json Parsed(const Object& object) {
  auto json = ParseJson(object.Json());
  return json && json->is_object() ? std::move(*json) : Json::object();
}

}  // namespace

const ObjectView::Layout& ObjectView::PodLayout() {
  static const Layout layout{"pod", PodFieldNames(), PodDirectoryNames()};
  return layout;
}

const ObjectView::Layout& ObjectView::NodeLayout() {
  static const Layout layout{"node", NodeFieldNames(), NodeDirectoryNames()};
  return layout;
}

ObjectView::ObjectView(ObjectPtr object)
    : object_(std::move(object)),
      layout_(object_->meta().kind == "Node" ? NodeLayout() : PodLayout()) {}

const ObjectView::Files& ObjectView::Fields() const {
  const MutexLock lock(fields_mutex_);
  if (!fields_) {
    const Json json = Parsed(*object_);
    fields_ =
        Finished(&layout_ == &NodeLayout() ? ProjectNodeFields(json) : ProjectPodFields(json));
  }
  return *fields_;
}

const ObjectView::Files& ObjectView::Whole() const {
  const MutexLock lock(whole_mutex_);
  if (!whole_) whole_ = Finished(ProjectWholeObject(Parsed(*object_), layout_.stem));
  return *whole_;
}

const ProjectedFile* ObjectView::Find(std::string_view path) const {
  const bool whole = path == layout_.stem + ".json" || path == layout_.stem + ".yaml";
  const Files& files = whole ? Whole() : Fields();
  const auto at = std::lower_bound(files.begin(), files.end(), path, ByPath);
  return at != files.end() && at->path == path ? &*at : nullptr;
}

std::optional<std::uint32_t> ObjectView::Subdirectories(std::string_view path) const {
  if (path.empty()) return static_cast<std::uint32_t>(layout_.directories.size());
  const bool at_top = Contains(layout_.directories, path);
  // Of those at the top these alone hold directories.
  if (at_top && path != "containers" && path != "initContainers") return 0;
  if (!at_top && path.find('/') == std::string_view::npos) return std::nullopt;
  const std::vector<Child> children = List(path);
  if (children.empty() && !at_top) return std::nullopt;
  return static_cast<std::uint32_t>(std::count_if(children.begin(), children.end(),
                                                  [](const Child& c) { return c.is_directory; }));
}

std::vector<ObjectView::Child> ObjectView::ListTop(const Layout& layout) {
  std::vector<Child> children;
  for (const std::string& name : layout.files) children.push_back({name, false});
  for (const std::string& name : layout.directories) children.push_back({name, true});
  for (const char* suffix : {".json", ".yaml"}) children.push_back({layout.stem + suffix, false});
  std::sort(children.begin(), children.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return children;
}

std::vector<ObjectView::Child> ObjectView::List(std::string_view path) const {
  if (path.empty()) return ListTop(layout_);
  std::vector<Child> children;
  const std::string prefix = Concat({path, "/"});
  const Files& files = Fields();
  for (auto at = std::lower_bound(files.begin(), files.end(), prefix, ByPath);
       at != files.end() && at->path.compare(0, prefix.size(), prefix) == 0; ++at) {
    const std::string_view below = std::string_view(at->path).substr(prefix.size());
    const std::size_t slash = below.find('/');
    const std::string_view name = below.substr(0, slash);
    if (!children.empty() && children.back().name == name) continue;
    children.push_back({std::string(name), slash != std::string_view::npos});
  }
  return children;
}

}  // namespace downwardfs
