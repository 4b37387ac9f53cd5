// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/volume_version.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace downwardfs {
namespace {
constexpr std::uint32_t kDataDirectoryMode = 0755;  // the atomic writer's, whatever the umask is
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
  FileContents::Bytes bytes;
  for (ProjectedFile& file : files) bytes.push_back(std::move(file.content));
  return Make(files, std::make_shared<const FileContents>(std::move(bytes)), std::move(data_dir),
              created);
}

std::shared_ptr<const VolumeVersion> VolumeVersion::Make(
    const std::vector<ProjectedFile>& files, std::shared_ptr<const FileContents> contents,
    std::string data_dir, WallTime created) {
  std::shared_ptr<VolumeVersion> version(new VolumeVersion);
  version->contents_ = std::move(contents);
  version->data_dir_ = std::move(data_dir);
  version->created_ = created;
  version->entries_.reserve(files.size() + 1);
  TreeEntry& root = version->entries_.emplace_back();
  root.is_directory = true;
  root.mode = kDataDirectoryMode;
  std::vector<std::uint32_t> order(files.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return files[a].path < files[b].path; });
  for (const std::uint32_t place : order) {
    const ProjectedFile& file = files[place];
    std::string_view name = file.path;
    const std::uint32_t parent = version->MakeDirectories(name);
    TreeEntry& entry = version->entries_[version->Add(parent, std::string(name))];
    entry.mode = file.mode & 0777;
    if (file.user) version->SetUser(version->size() - 1, *file.user);
    entry.file = place;
    entry.source = file.source;
    ++version->file_count_;
  }
  version->SortChildren();
  return version;
}

void VolumeVersion::SetUser(std::uint32_t index, std::uint32_t user) {
  for (; index != 0; index = entries_[index].parent) entries_[index].user = user;
}

// The directories above the last element of `path`, which is what is left of it.
std::uint32_t VolumeVersion::MakeDirectories(std::string_view& path) {
  std::uint32_t parent = 0;
  for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(slash + 1);
    // Paths come sorted, so a directory that exists is nearly always the last one added.
    const auto& siblings = entries_[parent].children;
    const auto found = std::find_if(siblings.rbegin(), siblings.rend(),
                                    [&](std::uint32_t i) { return entries_[i].name == name; });
    if (found != siblings.rend()) {
      parent = *found;
      continue;
    }
    const auto directory = Add(parent, std::string(name));
    entries_[directory].is_directory = true;
    entries_[directory].mode = kDataDirectoryMode;
    ++entries_[parent].subdirectories;
    parent = directory;
  }
  return parent;
}

void VolumeVersion::SortChildren() {
  for (TreeEntry& entry : entries_) {
    std::sort(entry.children.begin(), entry.children.end(), [&](std::uint32_t a, std::uint32_t b) {
      return entries_[a].name < entries_[b].name;
    });
  }
}

std::vector<std::uint32_t> VolumeVersion::Files() const {
  std::vector<std::uint32_t> files(file_count_);
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (!entries_[i].is_directory) files[entries_[i].file] = i;
  }
  return files;
}

std::string VolumeVersion::Path(std::uint32_t index) const {
  std::string path = entries_[index].name;
  for (std::uint32_t at = entries_[index].parent; at != 0; at = entries_[at].parent) {
    path.insert(0, entries_[at].name + "/");
  }
  return path;
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
