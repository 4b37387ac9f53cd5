// SPDX-License-Identifier: Apache-2.0
// How another version compares with what the live layout shows (live_layout.h).
#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "fs/volume/live_layout.h"

namespace downwardfs {
namespace {

std::string Below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "/" + name;
}

}  // namespace

// The bytes of all versions that the comparison will look at. Requests wait for the lock, so they
// are rendered without it. No other thread changes which versions there are (live_layout.h); a name
// that is made meanwhile, late, was pending.
LiveLayout::BytesOf LiveLayout::RenderShown(const VolumeVersionPtr& next) const {
  std::set<VolumeVersionPtr> versions = {next};
  {
    MutexLock lock(mutex_);
    for (const auto& [id, inode] : inodes_.all()) {
      if (inode.state != NameState::kHeld) versions.insert(inode.version);
    }
  }
  BytesOf bytes;
  for (const VolumeVersionPtr& version : versions) bytes[version] = version->PeekContents();
  return bytes;
}

LiveLayout::Difference LiveLayout::Stage(VolumeVersionPtr version, std::string resource_version) {
  Comparison comparison;
  comparison.bytes = RenderShown(version);
  auto prepared =
      recorded() ? RecordedVersions::Prepare(version) : RecordedVersions::Prepared{version, {}};
  comparison.now = std::move(version);
  MutexLock lock(mutex_);
  Edit edit(record_);
  DropPending(edit);
  versions_.Put(edit, root_->version + 1, prepared);
  root_.Change(edit, [&](LiveRoot& root) {
    if (root.version != 0) ++root.flips;
    ++root.version;
    root.resource_version = std::move(resource_version);
  });
  Compare(edit, kRootInode, 0, "", comparison);
  DropUnusedVersions(edit);
  DropOldest(edit);
  return std::move(comparison.difference);
}

// kMostHeldBytes (volume_layout.h): by their numbers, which grow.
void LiveLayout::DropOldest(Edit& edit) {
  const std::uint64_t needed = versions_.BytesOf(root_->version);
  std::vector<std::uint64_t> ids;
  for (const auto& [id, held] : versions_.all()) {
    if (id != root_->version) ids.push_back(id);
  }
  for (const std::uint64_t id : ids) {
    if (versions_.bytes() <= needed + kMostHeldBytes) return;
    if (DropVersion(edit, id)) ++versions_dropped_;
  }
}

// One that a name still shows stays until that name is gone.
bool LiveLayout::DropVersion(Edit& edit, std::uint64_t id) {
  std::vector<InodeId> inodes;
  for (const auto& [inode_id, inode] : inodes_.all()) {
    if (inode.version_id != id) continue;
    if (inode.state != NameState::kHeld) return false;
    inodes.push_back(inode_id);
  }
  for (const InodeId inode : inodes) inodes_.Erase(edit, inode);
  std::vector<std::uint64_t> opens;
  for (const auto& [handle, open] : opened_.all()) {
    if (open.version_id == id) opens.push_back(handle);
  }
  for (const std::uint64_t handle : opens) Close(edit, handle);
  versions_.Erase(edit, id);
  return true;
}

// The comparison that follows finds again all that an attempt has left undone.
void LiveLayout::DropPending(Edit& edit) {
  const auto pending = inodes_.format().pending;
  for (const auto& [name, id] : pending) inodes_.Erase(edit, id);
}

void LiveLayout::DropUnusedVersions(Edit& edit) {
  std::set<std::uint64_t> unused;
  for (const auto& [id, held] : versions_.all()) unused.insert(id);
  unused.erase(root_->version);
  for (const auto& [id, inode] : inodes_.all()) unused.erase(inode.version_id);
  for (const auto& [handle, open] : opened_.all()) unused.erase(open.version_id);
  for (const std::uint64_t id : unused) versions_.Erase(edit, id);
}

LiveLayout::Difference LiveLayout::Unfinished() {
  Comparison comparison;
  comparison.now = CurrentVersion();
  comparison.bytes = RenderShown(comparison.now);
  MutexLock lock(mutex_);
  Edit edit(record_);
  DropPending(edit);
  Compare(edit, kRootInode, 0, "", comparison);
  Difference difference = std::move(comparison.difference);
  difference.changed.clear();
  for (const auto& [id, inode] : inodes_.all()) {
    if (inode.state == NameState::kNamed && inode.lookups > 0 && !inode.Entry().is_directory) {
      difference.changed.push_back({id, {}, PathOf(id)});
    }
  }
  return difference;
}

std::string LiveLayout::PathOf(InodeId id) const {
  std::string path;
  for (InodeId at = id; at != kRootInode; at = inodes_.At(at).parent) {
    const std::string& name = inodes_.At(at).Entry().name;
    if (!path.empty()) path.insert(0, 1, '/');
    path.insert(0, name);
  }
  return path;
}

bool LiveLayout::SameFile(const LiveInode& inode, std::uint32_t entry,
                          const Comparison& comparison) {
  const TreeEntry& before = inode.Entry();
  const TreeEntry& now = comparison.now->entry(entry);
  return before.mode == now.mode && before.user == now.user &&
         (*comparison.bytes.at(inode.version))[before.file] ==
             (*comparison.bytes.at(comparison.now))[now.file];
}

// The inode shows that entry of the version from now on. The time of one that has changed must
// grow: of a directory the kernel would keep its cached listing otherwise.
void LiveLayout::ShowEntry(Edit& edit, InodeId id, std::uint32_t entry, bool changed,
                           const Comparison& comparison) {
  const std::uint64_t version_id = root_->version;
  inodes_.Change(edit, id, [&](LiveInode& inode) {
    if (changed) {
      inode.time = std::max(comparison.now->created(), inode.time + std::chrono::nanoseconds(1));
    }
    inode.version = comparison.now;
    inode.version_id = version_id;
    inode.entry = entry;
  });
}

void LiveLayout::Compare(Edit& edit, InodeId directory, std::uint32_t entry,
                         const std::string& path, Comparison& comparison) {
  Difference& difference = comparison.difference;
  const VolumeVersion& now = *comparison.now;
  std::vector<std::uint32_t> added = now.entry(entry).children;
  for (const auto& [name, id] : inodes_.format().Children(directory)) {
    const LiveInode& child = inodes_.At(id);
    const auto found = now.Child(entry, name);
    if (!found || now.entry(*found).is_directory != child.Entry().is_directory) {
      RemoveBelow(id, Below(path, name), difference);
      continue;
    }
    added.erase(std::find(added.begin(), added.end(), *found));
    if (child.Entry().is_directory) {
      Compare(edit, id, *found, Below(path, name), comparison);
      continue;
    }
    const bool changed = !SameFile(child, *found, comparison);
    if (changed) difference.changed.push_back({id, {}, Below(path, name)});
    ShowEntry(edit, id, *found, changed, comparison);
  }
  ShowEntry(edit, directory, entry, !added.empty() || !difference.gone.empty(), comparison);
  for (const std::uint32_t child : added) {
    AddBelow(edit, directory, child, Below(path, now.entry(child).name), comparison);
  }
}

void LiveLayout::AddBelow(Edit& edit, InodeId directory, std::uint32_t entry,
                          const std::string& path, Comparison& comparison) {
  const VolumeVersion& now = *comparison.now;
  const TreeEntry& added = now.entry(entry);
  const InodeId id = root_->next;
  root_.Change(edit, [](LiveRoot& root) { ++root.next; });
  LiveInode inode;
  inode.version = comparison.now;
  inode.version_id = root_->version;
  inode.entry = entry;
  inode.parent = directory;
  inode.state = NameState::kPending;
  inode.time = now.created();
  inodes_.Put(edit, id, std::move(inode));
  const ChangeKind kind = added.is_directory ? ChangeKind::kMakeDirectory : ChangeKind::kMakeFile;
  comparison.difference.added.push_back({id, {kind, directory, added.name, ""}, path});
  for (const std::uint32_t child : added.children) {
    AddBelow(edit, id, child, Below(path, now.entry(child).name), comparison);
  }
}

void LiveLayout::RemoveBelow(InodeId id, const std::string& path, Difference& difference) const {
  const LiveInode& inode = inodes_.At(id);
  for (const auto& [name, child] : inodes_.format().Children(id)) {
    RemoveBelow(child, Below(path, name), difference);
  }
  const ChangeKind kind =
      inode.Entry().is_directory ? ChangeKind::kRemoveDirectory : ChangeKind::kUnlink;
  difference.gone.push_back({id, {kind, inode.parent, inode.Entry().name, ""}, path});
}

}  // namespace downwardfs
