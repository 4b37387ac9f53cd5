// SPDX-License-Identifier: Apache-2.0
// How versions come and go in the kubelet's layout, from being staged to being forgotten
// (kubelet_layout.h, version_life.h).
#include <algorithm>
#include <utility>

#include "fs/volume/data_dir_name.h"
#include "fs/volume/kubelet_layout.h"

namespace downwardfs {
namespace {

// Data directories that a walk may still be on its way to; a walk takes microseconds.
constexpr std::size_t kRememberedNames = 64;
// Of each name: more walks at a time than that nobody makes.
constexpr std::size_t kRememberedThreads = 1024;

}  // namespace

bool KubeletLayout::LeadsElsewhere(InodeId parent, std::string_view name, pid_t thread) {
  MutexLock lock(mutex_);
  if (parent != kRootInode) {
    // The walk came past the name before it went.
    const auto directory = Locate(parent);
    if (!directory || !directory->alias) return false;
    name = directory->known.version->data_dir();
  }
  auto removed = std::ranges::find(just_removed_, name, &RemovedName::name);
  if (removed == just_removed_.end()) {
    // It may have been a daemon before us that has removed it; not one that is about to be made.
    if (!resumed_ || !IsDataDirName(name) || name == UnfinishedName()) return false;
    removed = std::ranges::find(unknown_, name, &RemovedName::name);
    if (removed == unknown_.end()) {
      if (unknown_.size() >= kRememberedNames) unknown_.pop_front();
      removed = unknown_.insert(unknown_.end(), {std::string(name), {}});
    }
  }
  if (removed->sent_elsewhere.size() >= kRememberedThreads) return false;
  return removed->sent_elsewhere.insert(thread).second;
}

// The one place where a version's life changes.
void KubeletLayout::Advance(Edit& edit, InodeId base, LifeEvent event) {
  if (known_.Find(base) == nullptr) return;
  if (event == LifeEvent::kAlias || event == LifeEvent::kUnname) {
    const std::string& name = known_.At(base).version->data_dir();
    if (std::ranges::find(just_removed_, name, &RemovedName::name) == just_removed_.end()) {
      just_removed_.push_back({name, {}});
      if (just_removed_.size() > kRememberedNames) just_removed_.pop_front();
    }
  }
  known_.Change(edit, base,
                [&](KnownVersion& version) { version.life = After(version.life, event); });
  if (event == LifeEvent::kUnname) DropIfUnused(edit, base);
}

KubeletLayout::Flip KubeletLayout::Stage(VolumeVersionPtr version, std::string resource_version) {
  // With a log the contents are rendered now, before anybody waits for the lock.
  auto prepared = recorded() ? RecordedVersions::Prepare(std::move(version))
                             : RecordedVersions::Prepared{std::move(version), {}};
  MutexLock lock(mutex_);
  Edit edit(record_);
  if (const InodeId given_up = root_->staged; given_up != 0) {
    root_.Change(edit, [](KubeletRoot& root) { root.staged = 0; });
    Advance(edit, given_up, LifeEvent::kUnname);
  }
  KnownVersion staged;
  staged.version = prepared.version;
  staged.resource_version = std::move(resource_version);
  staged.known.resize(1 + std::size_t{staged.version->size()});
  Flip flip;
  flip.version = root_->next;
  flip.data_dir = staged.version->data_dir();
  flip.retires = root_->shown;
  if (root_->shown != 0) flip.retired_dir = known_.At(root_->shown).version->data_dir();
  CompareLinks(*staged.version, flip);
  versions_.Put(edit, flip.version, prepared);
  root_.Change(edit, [&](KubeletRoot& root) {
    root.staged = flip.version;
    root.new_link = false;
    root.next += 2 * (1 + std::uint64_t{staged.version->size()});
  });
  known_.Put(edit, flip.version, std::move(staged));
  DropOldest(edit);
  return flip;
}

void KubeletLayout::CompareLinks(const VolumeVersion& version, Flip& flip) const {
  for (const std::uint32_t child : version.entry(0).children) {
    const std::string& name = version.entry(child).name;
    if (!FindLink(name)) flip.new_links.push_back(name);
  }
  for (const auto& [id, link] : links_.all()) {
    if (link.listed && !version.Child(0, link.name)) flip.gone_links.push_back(link.name);
  }
}

KubeletLayout::Flip KubeletLayout::Unfinished() const {
  MutexLock lock(mutex_);
  Flip flip;
  if (root_->shown == 0) return flip;
  const VolumeVersion& shown = *known_.At(root_->shown).version;
  flip.version = root_->shown;
  flip.data_dir = shown.data_dir();
  CompareLinks(shown, flip);
  return flip;
}

void KubeletLayout::MakeCurrent(Edit& edit, InodeId base) {
  Advance(edit, base, LifeEvent::kMake);
  const WallTime created = known_.At(base).version->created();
  root_.Change(edit, [&](KubeletRoot& root) {
    if (root.shown != 0) ++root.flips;
    root.shown = base;
    root.staged = 0;
    // The root's time must grow with every flip, or the kernel would keep its cached listing.
    root.time = std::max(created, root.time + std::chrono::nanoseconds(1));
  });
}

std::vector<std::string> KubeletLayout::Show(const Flip& flip) {
  MutexLock lock(mutex_);
  std::vector<std::string> stale;
  if (known_.Find(flip.version) == nullptr) return stale;
  Edit edit(record_);
  if (root_->shown != flip.version) {
    stale = {kDataLink, kNewDataLink};
    MakeCurrent(edit, flip.version);
  }
  for (const std::string& name : flip.new_links) AddLink(edit, name);
  for (const std::string& name : flip.gone_links) {
    RemoveLink(edit, name);
    stale.push_back(name);
  }
  return stale;
}

std::optional<VolumeLayout::Changed> KubeletLayout::Change(Edit& edit, const TreeChange& change) {
  if (change.inode == kRootInode) return ChangeRoot(edit, change);
  const auto located = Locate(change.inode);
  if (!located || located->is_link() || change.kind != ChangeKind::kUnlink) return std::nullopt;
  const auto child = located->known.version->Child(located->entry(), change.name);
  if (!child) return std::nullopt;
  known_.Change(edit, located->base, [&](KnownVersion& version) {
    version.unlinked.resize(version.version->size());
    version.unlinked[*child] = true;
  });
  return Changed{located->base + 1 + *child};
}

std::optional<VolumeLayout::Changed> KubeletLayout::ChangeRoot(Edit& edit,
                                                               const TreeChange& change) {
  const InodeId staged = root_->staged;
  switch (change.kind) {
    case ChangeKind::kMakeDirectory:
      if (staged == 0 || known_.At(staged).version->data_dir() != change.name) break;
      Advance(edit, staged, LifeEvent::kMake);
      return Changed{staged + 1, true};
    case ChangeKind::kMakeLink:
      if (change.name != kNewDataLink) {
        AddLink(edit, change.name);
        if (const auto id = FindInRoot(change.name)) return Changed{*id, true};
      } else if (staged != 0) {
        root_.Change(edit, [](KubeletRoot& root) { root.new_link = true; });
        return Changed{staged, true};
      }
      break;
    case ChangeKind::kRename:
      if (staged != 0) MakeCurrent(edit, staged);
      return Changed{root_->shown};
    case ChangeKind::kUnlink:
      if (change.name != kNewDataLink) RemoveLink(edit, change.name);
      root_.Change(edit, [](KubeletRoot& root) { root.time += std::chrono::nanoseconds(1); });
      return Changed{kRootInode};
    case ChangeKind::kRemoveDirectory: {
      const auto& data_dirs = known_.format().data_dirs;
      const auto at = data_dirs.find(change.name);
      if (at == data_dirs.end() || at->second == root_->shown) break;
      Advance(edit, at->second, LifeEvent::kUnname);
      return Changed{kRootInode};
    }
    default:
      break;
  }
  return std::nullopt;
}

void KubeletLayout::AddLink(Edit& edit, const std::string& name) {
  if (FindLink(name)) return;
  // A link that was removed is another inode than the one that is made again.
  const InodeId id = root_->next;
  root_.Change(edit, [](KubeletRoot& root) { ++root.next; });
  links_.Put(edit, id, RootLink{name, 0, true, known_.At(root_->shown).version->created()});
}

void KubeletLayout::RemoveLink(Edit& edit, const std::string& name) {
  const auto id = FindLink(name);
  if (!id) return;
  links_.Change(edit, *id, [](RootLink& link) { link.listed = false; });
  DropLinkIfUnused(edit, *id);
}

void KubeletLayout::DropLinkIfUnused(Edit& edit, InodeId id) {
  const RootLink* const link = links_.Find(id);
  if (link != nullptr && !link->listed && link->lookups == 0) links_.Erase(edit, id);
}

std::optional<std::string> KubeletLayout::UnfinishedName() const {
  if (root_->staged == 0) return std::nullopt;
  return known_.At(root_->staged).version->data_dir();
}

std::optional<std::string> KubeletLayout::UnfinishedDirectory() const {
  MutexLock lock(mutex_);
  return UnfinishedName();
}

std::vector<std::string> KubeletLayout::MovedNames() const {
  MutexLock lock(mutex_);
  std::vector<std::string> names = {kDataLink, kNewDataLink, kRemovedName};
  for (const auto& [id, link] : links_.all()) {
    if (!link.listed) names.push_back(link.name);
  }
  return names;
}

std::vector<std::pair<InodeId, std::string>> KubeletLayout::RetiredVersions() const {
  MutexLock lock(mutex_);
  std::vector<std::pair<InodeId, std::string>> retired;
  for (const auto& [base, version] : known_.all()) {
    if (HasName(version.life) && base != root_->shown && base != root_->staged) {
      retired.emplace_back(base, version.version->data_dir());
    }
  }
  return retired;
}

std::vector<InodeId> KubeletLayout::RemovedVersions() const {
  MutexLock lock(mutex_);
  std::vector<InodeId> removed;
  for (const auto& [base, version] : known_.all()) {
    if (version.life == VersionLife::kRemoved && !KnownOf(base, Kind::kDirectories).empty()) {
      removed.push_back(base);
    }
  }
  return removed;
}

std::vector<KubeletLayout::Known> KubeletLayout::KnownOf(InodeId base, Kind kind) const {
  std::vector<Known> out;
  const KnownVersion* const known = known_.Find(base);
  if (known == nullptr) return out;
  const VolumeVersion& version = *known->version;
  const auto& counts = kind == Kind::kAliases ? known->known_aliases : known->known;
  if (counts.empty()) return out;
  const InodeId first = base + (kind == Kind::kAliases ? 2 + version.size() : 1);
  std::vector<std::string> paths(version.size());
  paths[0] = HasName(known->life) ? version.data_dir() : kRemovedName;
  for (std::uint32_t i = 0; i < version.size(); ++i) {
    const TreeEntry& entry = version.entry(i);  // parents come before their children
    if (i != 0) paths[i] = paths[entry.parent] + "/" + entry.name;
    if (counts[1 + i] == 0 || entry.is_directory != (kind == Kind::kDirectories)) continue;
    if (kind == Kind::kFiles && known->IsUnlinked(i)) continue;
    out.push_back(
        {{ChangeKind::kUnlink, base + 1 + entry.parent, entry.name, ""}, first + i, paths[i]});
  }
  return out;
}

std::vector<KubeletLayout::Known> KubeletLayout::KnownFiles(InodeId version) const {
  MutexLock lock(mutex_);
  return KnownOf(version, Kind::kFiles);
}

std::vector<KubeletLayout::Known> KubeletLayout::KnownAliases(InodeId version) const {
  MutexLock lock(mutex_);
  return KnownOf(version, Kind::kAliases);
}

std::vector<KubeletLayout::Known> KubeletLayout::KnownDirectories(InodeId version) const {
  MutexLock lock(mutex_);
  auto known = KnownOf(version, Kind::kDirectories);
  std::reverse(known.begin(), known.end());
  return known;
}

void KubeletLayout::Reveal(InodeId version) {
  MutexLock lock(mutex_);
  revealed_ = version;
}

void KubeletLayout::Orphan(InodeId version) {
  MutexLock lock(mutex_);
  Edit edit(record_);
  Advance(edit, version, LifeEvent::kOrphan);
}

void KubeletLayout::ShowAlias(InodeId version) {
  MutexLock lock(mutex_);
  Edit edit(record_);
  Advance(edit, version, LifeEvent::kAlias);
}

void KubeletLayout::Expire(InodeId version) {
  MutexLock lock(mutex_);
  if (version == root_->shown) return;
  Edit edit(record_);
  Advance(edit, version, LifeEvent::kUnname);
}

// kMostHeldBytes (volume_layout.h): by their bases, which grow.
void KubeletLayout::DropOldest(Edit& edit) {
  const std::uint64_t needed = versions_.BytesOf(root_->shown) + versions_.BytesOf(root_->staged);
  while (versions_.bytes() > needed + kMostHeldBytes) {
    InodeId oldest = 0;
    for (const auto& [base, known] : known_.all()) {
      if (base == root_->shown || base == root_->staged) continue;
      oldest = base;
      break;
    }
    if (oldest == 0) return;
    known_.Erase(edit, oldest);
    versions_.Erase(edit, oldest);
    ++versions_dropped_;
  }
}

void KubeletLayout::DropIfUnused(Edit& edit, InodeId base) {
  const KnownVersion* const known = known_.Find(base);
  if (known == nullptr || base == root_->shown || base == root_->staged) return;
  if (HasName(known->life) || known->lookups > 0) return;
  known_.Erase(edit, base);
  versions_.Erase(edit, base);
}

}  // namespace downwardfs
