// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/live_layout.h"

#include <algorithm>
#include <utility>

namespace downwardfs {
namespace {

// Cookies: ".", "..", then the names by their inodes.
constexpr std::uint64_t kFirstCookie = 16;

// Many readers ask twice at the end before they stop; one that asks again after this time follows.
constexpr std::chrono::milliseconds kEndIsOld{20};

}  // namespace

LiveLayout::LiveLayout(Ownership ownership, WallTime created) : VolumeLayout(ownership) {
  MutexLock lock(mutex_);
  Edit edit(record_);
  LiveInode root;
  root.version = VolumeVersion::Make({}, "", created);
  root.time = created;
  root.state = NameState::kNamed;
  inodes_.Put(edit, kRootInode, std::move(root));
}

void LiveLayout::Name(Edit& edit, const TreeChange& change, InodeId id) {
  if (inodes_.Find(id) == nullptr || inodes_.Find(change.inode) == nullptr) return;
  inodes_.Change(edit, id, [](LiveInode& inode) { inode.state = NameState::kNamed; });
}

void LiveLayout::Unname(Edit& edit, const TreeChange& change) {
  const auto id = Find(change.inode, change.name);
  if (!id) return;
  inodes_.Change(edit, *id, [](LiveInode& inode) { inode.state = NameState::kHeld; });
  DropIfUnused(edit, *id);
}

void LiveLayout::ShowNames(const Difference& difference) {
  MutexLock lock(mutex_);
  Edit edit(record_);
  for (const Step& step : difference.gone) Unname(edit, step.change);
  for (const Step& step : difference.added) Name(edit, step.change, step.id);
}

void LiveLayout::DropIfUnused(Edit& edit, InodeId id) {
  const LiveInode* const inode = inodes_.Find(id);
  if (inode == nullptr || id == kRootInode) return;
  if (inode->state == NameState::kNamed || inode->lookups > 0) return;
  inodes_.Erase(edit, id);
}

std::optional<InodeId> LiveLayout::Find(InodeId parent, std::string_view name) const {
  const auto& names = inodes_.format().Children(parent);
  const auto child = names.find(name);
  if (child == names.end()) return std::nullopt;
  return child->second;
}

void LiveLayout::AddLookup(Edit& edit, InodeId id) {
  edit.Counted(id);
  inodes_.Change(edit, id, [](LiveInode& inode) { ++inode.lookups; });
}

void LiveLayout::DropLookups(Edit& edit, const Forgotten& forgotten) {
  if (inodes_.Find(forgotten.id) == nullptr) return;
  inodes_.Change(edit, forgotten.id, [&](LiveInode& inode) {
    inode.lookups -= std::min(inode.lookups, forgotten.count);
  });
  DropIfUnused(edit, forgotten.id);
}

// The new inode of that name; if the change arrives twice, the one that it has made.
std::optional<InodeId> LiveLayout::InodeToMake(const TreeChange& change) const {
  const auto& pending = inodes_.format().pending;
  if (const auto at = pending.find({change.inode, change.name}); at != pending.end()) {
    // Whatever has the name must go first, also if a damaged memory says otherwise.
    return Find(change.inode, change.name) ? std::nullopt : std::optional(at->second);
  }
  return record_.on() ? Find(change.inode, change.name) : std::nullopt;
}

std::optional<VolumeLayout::Changed> LiveLayout::Change(Edit& edit, const TreeChange& change) {
  switch (change.kind) {
    case ChangeKind::kMakeFile:
    case ChangeKind::kMakeDirectory: {
      const auto id = InodeToMake(change);
      if (!id) return std::nullopt;
      Name(edit, change, *id);
      return Changed{*id, true};
    }
    case ChangeKind::kUnlink:
    case ChangeKind::kRemoveDirectory:
      Unname(edit, change);
      return Changed{kRootInode};
    default:
      return std::nullopt;
  }
}

std::optional<UnsizedAttr> LiveLayout::Describe(InodeId id) const {
  const LiveInode* const inode = inodes_.Find(id);
  if (inode == nullptr) return std::nullopt;
  UnsizedAttr unsized;
  if (inode->Entry().is_directory) {
    const auto& names = inodes_.format().Children(id);
    std::uint32_t subdirectories = 0;
    for (const auto& [name, child] : names) {
      subdirectories += inodes_.At(child).Entry().is_directory ? 1 : 0;
    }
    unsized.attr = DirectoryAttr(id, id == kRootInode ? kRootMode : inode->Entry().mode,
                                 subdirectories, names.size(), ownership_, inode->time);
  } else {
    unsized = EntryAttr(id, inode->version, inode->entry, ownership_, inode->time);
  }
  if (inode->state != NameState::kNamed && inode->lookups > 0) unsized.attr.links = 0;
  return unsized;
}

std::optional<FileRef> LiveLayout::FindFile(InodeId id) const {
  const LiveInode* const inode = inodes_.Find(id);
  if (inode == nullptr || inode->Entry().is_directory) return std::nullopt;
  return FileRef{inode->version, &inode->Entry(), nullptr, root_->resource_version};
}

std::optional<std::uint64_t> LiveLayout::OpenFile(InodeId id) {
  MutexLock lock(mutex_);
  Edit edit(record_);
  // The kernel may have the answer to an open that comes again.
  const auto before = opened_before_.find(request_in_work.unique);
  if (before != opened_before_.end() && opened_.Find(before->second) != nullptr) {
    edit.Counted(before->second | RecordedState::kOpenBit);
    return before->second;
  }
  if (!FindFile(id)) return std::nullopt;
  const LiveInode& inode = inodes_.At(id);
  while (opened_.all().size() >= kMostOpenFiles) Close(edit, opened_.all().begin()->first);
  const std::uint64_t handle = root_->next_open;
  root_.Change(edit, [](LiveRoot& root) { ++root.next_open; });
  opened_.Put(edit, handle, Pin(inode));
  edit.Counted(handle | RecordedState::kOpenBit);
  return handle;
}

std::optional<FileRef> LiveLayout::Opened(std::uint64_t handle) const {
  std::optional<FileRef> file;
  {
    MutexLock lock(mutex_);
    const LiveOpen* const open = opened_.Find(handle);
    if (open == nullptr) return std::nullopt;
    file =
        FileRef{open->version, &open->version->entry(open->entry), nullptr, open->resource_version};
  }
  file->contents = file->version->Contents();
  return file;
}

LiveOpen LiveLayout::Pin(const LiveInode& inode) const {
  return {inode.version, inode.version_id, inode.entry, root_->resource_version};
}

void LiveLayout::PinAnew(InodeId id, std::uint64_t handle) {
  const LiveInode* const inode = inodes_.Find(id);
  const LiveOpen* const open = opened_.Find(handle);
  if (inode == nullptr || open == nullptr || inode->Entry().is_directory) return;
  if (inode->version_id == open->version_id) return;
  Edit edit(record_);
  opened_.Put(edit, handle, Pin(*inode));
}

bool LiveLayout::Follows(InodeId id, std::uint64_t handle) {
  MutexLock lock(mutex_);
  if (opened_.Find(handle) == nullptr) return false;
  const auto now = std::chrono::steady_clock::now();
  const auto told = ended_.try_emplace(handle, now).first->second;
  if (now - told < kEndIsOld) return false;
  PinAnew(id, handle);
  return true;
}

FileBytes LiveLayout::Content(InodeId id, std::uint64_t handle, std::uint64_t offset) {
  if (handle == kNoOpen) return VolumeLayout::Content(id, handle, offset);
  if (offset == 0) {
    MutexLock lock(mutex_);
    ended_.erase(handle);
    PinAnew(id, handle);
  }
  auto file = Opened(handle);
  const bool at_end = file && offset != 0 && offset >= file->content().size();
  if (at_end && Follows(id, handle)) file = Opened(handle);
  if (!file) return nullptr;
  return {file->contents, &file->content()};
}

void LiveLayout::CloseFile(std::uint64_t handle) {
  if (handle == kNoOpen) return;
  MutexLock lock(mutex_);
  Edit edit(record_);
  Close(edit, handle);
}

void LiveLayout::Close(Edit& edit, std::uint64_t handle) {
  ended_.erase(handle);
  opened_.Erase(edit, handle);
}

std::optional<std::vector<DirectoryEntry>> LiveLayout::Names(InodeId id) const {
  const LiveInode* const directory = inodes_.Find(id);
  if (directory == nullptr || !directory->Entry().is_directory) return std::nullopt;
  const InodeId parent = id == kRootInode ? kRootInode : directory->parent;
  std::vector<DirectoryEntry> out = {{".", id, kDirectoryType, 1},
                                     {"..", parent, kDirectoryType, 2}};
  for (const auto& [name, child] : inodes_.format().Children(id)) {
    const bool is_directory = inodes_.At(child).Entry().is_directory;
    out.push_back({name, child, is_directory ? kDirectoryType : kFileType, kFirstCookie + child});
  }
  // A listing goes on after the cookie that it has reached, so they must grow.
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.cookie < b.cookie; });
  return out;
}

std::vector<InodeId> LiveLayout::KnownInodes() const {
  std::vector<InodeId> known = {kRootInode};
  for (const auto& [id, inode] : inodes_.all()) {
    if (inode.lookups > 0 && id != kRootInode) known.push_back(id);
  }
  return known;
}

void LiveLayout::SetResourceVersion(std::string resource_version) {
  MutexLock lock(mutex_);
  Edit edit(record_);
  root_.Change(edit, [&](LiveRoot& root) { root.resource_version = std::move(resource_version); });
}

VolumeVersionPtr LiveLayout::Current() const {
  return versions_.Find(root_->version);
}

VolumeStats LiveLayout::Figures() const {
  VolumeStats stats;
  stats.versions = root_->version != 0 ? 1 : 0;
  stats.flips = root_->flips;
  for (const auto& [id, inode] : inodes_.all()) stats.lookups += inode.lookups;
  stats.open_files = opened_.all().size();
  stats.resource_version = root_->resource_version;
  return stats;
}

void LiveLayout::TakeBackOpen(std::uint64_t unique, std::uint64_t handle) {
  opened_before_[unique] = handle;
}

}  // namespace downwardfs
