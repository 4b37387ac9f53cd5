// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/volume_version.h"

#include <algorithm>

namespace downwardfs {
namespace {
constexpr std::uint32_t kDirectoryMode = 0755;  // the atomic writer's, whatever the umask is
}  // namespace

std::uint32_t VolumeVersion::Add(std::uint32_t parent, std::string name) {
  const auto index = size();
  TreeEntry& entry = entries_.emplace_back();
  entry.name = std::move(name);
  entry.parent = parent;
  entries_[parent].children.push_back(index);
  return index;
}

std::shared_ptr<const VolumeVersion> VolumeVersion::Make(std::vector<ProjectedFile> files,
                                                         std::string data_dir, WallTime created) {
  std::shared_ptr<VolumeVersion> version(new VolumeVersion);
  version->data_dir_ = std::move(data_dir);
  version->created_ = created;
  version->entries_.reserve(files.size() + 1);
  TreeEntry& root = version->entries_.emplace_back();
  root.is_directory = true;
  root.mode = kDirectoryMode;
  std::sort(files.begin(), files.end(),
            [](const ProjectedFile& a, const ProjectedFile& b) { return a.path < b.path; });

  for (ProjectedFile& file : files) {
    std::uint32_t parent = 0;
    std::string_view rest = file.path;
    for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
      const std::string_view name = rest.substr(0, slash);
      rest.remove_prefix(slash + 1);
      // Paths come sorted, so a directory that exists is nearly always the last one added.
      const auto& siblings = version->entries_[parent].children;
      const auto found = std::find_if(siblings.rbegin(), siblings.rend(), [&](std::uint32_t i) {
        return version->entries_[i].name == name;
      });
      if (found != siblings.rend()) {
        parent = *found;
        continue;
      }
      const auto directory = version->Add(parent, std::string(name));
      version->entries_[directory].is_directory = true;
      version->entries_[directory].mode = kDirectoryMode;
      ++version->entries_[parent].subdirectories;
      parent = directory;
    }
    TreeEntry& entry = version->entries_[version->Add(parent, std::string(rest))];
    entry.mode = file.mode & 0777;
    entry.content = std::move(file.content);
    entry.source = std::move(file.source);
    ++version->file_count_;
    version->content_bytes_ += entry.content.size();
  }
  version->SortChildren();
  return version;
}

void VolumeVersion::SortChildren() {
  for (TreeEntry& entry : entries_) {
    std::sort(entry.children.begin(), entry.children.end(), [&](std::uint32_t a, std::uint32_t b) {
      return entries_[a].name < entries_[b].name;
    });
  }
}

std::optional<std::uint32_t> VolumeVersion::Child(std::uint32_t directory,
                                                  std::string_view name) const {
  const auto& children = entries_[directory].children;
  const auto it = std::lower_bound(
      children.begin(), children.end(), name,
      [&](std::uint32_t index, std::string_view wanted) { return entries_[index].name < wanted; });
  if (it == children.end() || entries_[*it].name != name) return std::nullopt;
  return *it;
}

}  // namespace downwardfs
