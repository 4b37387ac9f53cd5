// SPDX-License-Identifier: Apache-2.0
// The answers to the kernel's requests; kubelet_flip.cc has how versions come and go.
#include "fs/volume/kubelet_layout.h"

#include <algorithm>
#include <utility>

namespace downwardfs {
namespace {

// Cookies in the root: ".", "..", `..data`, the data directory, then the links by their inodes. In
// another directory, whose names never change, ".", "..", then the names by their place.
constexpr std::uint64_t kDataLinkCookie = 3;
constexpr std::uint64_t kDataDirCookie = 4;
constexpr std::uint64_t kFirstNameCookie = 16;

}  // namespace

KubeletLayout::KubeletLayout(Ownership ownership, WallTime created)
    : VolumeLayout(ownership), root_(record_, KubeletRoot{.time = created}) {}

VolumeVersionPtr KubeletLayout::Current() const {
  return root_->shown == 0 ? nullptr : known_.At(root_->shown).version;
}

std::vector<InodeId> KubeletLayout::KnownInodes() const {
  std::vector<InodeId> inodes = {kRootInode};
  for (const auto& [id, link] : links_.all()) {
    if (link.lookups > 0) inodes.push_back(id);
  }
  for (const auto& [base, version] : known_.all()) {
    for (std::size_t i = 0; i < version.known.size(); ++i) {
      if (version.known[i] > 0) inodes.push_back(base + i);
    }
  }
  return inodes;
}

void KubeletLayout::SetResourceVersion(std::string resource_version) {
  MutexLock lock(mutex_);
  if (root_->shown == 0) return;
  Edit edit(record_);
  known_.Change(edit, root_->shown,
                [&](KnownVersion& shown) { shown.resource_version = std::move(resource_version); });
}

std::optional<KubeletLayout::Located> KubeletLayout::Locate(InodeId id) const {
  auto it = known_.all().upper_bound(id);
  if (it == known_.all().begin()) return std::nullopt;
  --it;
  const std::uint64_t block = 1 + std::uint64_t{it->second.version->size()};
  const std::uint64_t at = id - it->first;
  if (at >= 2 * block) return std::nullopt;
  return Located{it->first, it->second, static_cast<std::uint32_t>(at % block), at >= block};
}

std::optional<InodeId> KubeletLayout::Find(InodeId parent, std::string_view name) const {
  if (parent == kRootInode) return FindInRoot(name);
  const auto directory = Locate(parent);
  return directory ? FindInDirectory(*directory, name) : std::nullopt;
}

std::optional<InodeId> KubeletLayout::FindInRoot(std::string_view name) const {
  // Whether the kernel knows the link or has dropped it meanwhile.
  if (name == kNewDataLink && root_->staged != 0 && root_->new_link) return root_->staged;
  if (name == kRemovedName && known_.Find(revealed_) != nullptr) return revealed_ + 1;
  if (root_->shown == 0) return std::nullopt;
  if (name == kDataLink) return root_->shown;
  const auto& data_dirs = known_.format().data_dirs;
  if (const auto it = data_dirs.find(name); it != data_dirs.end()) {
    const KnownVersion& version = known_.At(it->second);
    const bool alias = version.life == VersionLife::kAliased;
    return it->second + 1 + (alias ? 1 + version.version->size() : 0);
  }
  return FindLink(name);
}

std::optional<InodeId> KubeletLayout::FindLink(std::string_view name) const {
  const auto& by_name = links_.format().by_name;
  const auto at = by_name.find(name);
  return at == by_name.end() ? std::nullopt : std::optional<InodeId>(at->second);
}

std::optional<InodeId> KubeletLayout::FindInDirectory(const Located& directory,
                                                      std::string_view name) const {
  // The alias of a directory is empty: it is about to be removed, and who watched something that it
  // leads to would never hear of its end.
  if (directory.is_link() || directory.alias) return std::nullopt;
  const VolumeVersion& version = *directory.known.version;
  const auto child = version.Child(directory.entry(), name);
  if (!child) return std::nullopt;
  const bool alias = directory.known.IsUnlinked(*child);
  return directory.base + 1 + *child + (alias ? 1 + version.size() : 0);
}

void KubeletLayout::AddLookup(Edit& edit, InodeId id) {
  edit.Counted(id);
  if (links_.Find(id) != nullptr) {
    links_.Change(edit, id, [](RootLink& link) { ++link.lookups; });
  } else if (const auto located = Locate(id)) {
    known_.Change(edit, located->base, [&](KnownVersion& version) {
      ++version.lookups;
      if (!located->alias) {
        ++version.known[located->index];
      } else {
        version.known_aliases.resize(version.known.size());
        ++version.known_aliases[located->index];
      }
    });
  }
}

void KubeletLayout::DropLookups(Edit& edit, const Forgotten& inode) {
  if (links_.Find(inode.id) != nullptr) {
    links_.Change(edit, inode.id,
                  [&](RootLink& link) { link.lookups -= std::min(link.lookups, inode.count); });
    DropLinkIfUnused(edit, inode.id);
  } else if (const auto located = Locate(inode.id)) {
    known_.Change(edit, located->base, [&](KnownVersion& version) {
      version.lookups -= std::min(version.lookups, inode.count);
      // Of an alias that the daemon before us has shown nothing is known.
      if (located->alias && version.known_aliases.empty()) return;
      auto& counts = located->alias ? version.known_aliases : version.known;
      std::uint32_t& known = counts[located->index];
      known -= static_cast<std::uint32_t>(std::min<std::uint64_t>(known, inode.count));
    });
    DropIfUnused(edit, located->base);
  }
}

InodeAttr KubeletLayout::RootAttr() const {
  std::uint64_t names = root_->shown == 0 ? 0 : 2;
  for (const auto& [id, link] : links_.all()) names += link.listed ? 1 : 0;
  const std::uint32_t subdirectories = root_->shown == 0 ? 0 : 1;
  return DirectoryAttr(kRootInode, kRootMode, subdirectories, names, ownership_, root_->time);
}

std::optional<std::uint32_t> KubeletLayout::LinkUser(const std::string& name) const {
  const KnownVersion* const known = known_.Find(root_->staged != 0 ? root_->staged : root_->shown);
  if (known == nullptr) return std::nullopt;
  const auto entry = known->version->Child(0, name);
  return entry ? known->version->entry(*entry).user : std::nullopt;
}

std::optional<UnsizedAttr> KubeletLayout::Describe(InodeId id) const {
  if (id == kRootInode) return UnsizedAttr{RootAttr(), nullptr, 0};
  if (const RootLink* const link = links_.Find(id)) {
    InodeAttr attr = LinkAttr(id, sizeof(kDataLink) + link->name.size(), LinkUser(link->name),
                              ownership_, link->created);
    attr.links = link->listed ? 1 : 0;
    return UnsizedAttr{attr, nullptr, 0};
  }
  const auto located = Locate(id);
  if (!located) return std::nullopt;
  const KnownVersion& known = located->known;
  const WallTime time = known.version->created();
  if (located->is_link()) {
    InodeAttr attr = LinkAttr(id, known.version->data_dir().size(), {}, ownership_, time);
    attr.links = located->base == root_->shown || located->base == root_->staged ? 1 : 0;
    return UnsizedAttr{attr, nullptr, 0};
  }
  UnsizedAttr unsized = EntryAttr(id, known.version, located->entry(), ownership_, time);
  // An inode that the kernel has unlinked must not come back to life with the next GETATTR: whoever
  // watches it would never hear that it is gone.
  const bool gone = located->alias ? known.life == VersionLife::kRemoved
                                   : HasNoLink(known.life) || known.IsUnlinked(located->entry());
  if (gone) unsized.attr.links = 0;
  return unsized;
}

std::optional<std::string> KubeletLayout::ReadLink(InodeId id) const {
  MutexLock lock(mutex_);
  if (const RootLink* const link = links_.Find(id))
    return std::string(kDataLink) + "/" + link->name;
  const auto located = Locate(id);
  if (!located || !located->is_link()) return std::nullopt;
  return located->known.version->data_dir();
}

std::optional<FileRef> KubeletLayout::FindFile(InodeId id) const {
  const auto located = Locate(id);
  if (!located || located->is_link()) return std::nullopt;
  const TreeEntry& entry = located->known.version->entry(located->entry());
  if (entry.is_directory) return std::nullopt;
  return FileRef{located->known.version, &entry, nullptr, located->known.resource_version};
}

// Retired data directories are not in it.
std::vector<DirectoryEntry> KubeletLayout::RootNames() const {
  std::vector<DirectoryEntry> out = {{".", kRootInode, kDirectoryType, 1},
                                     {"..", kRootInode, kDirectoryType, 2}};
  if (root_->shown == 0) return out;
  const VolumeVersion& shown = *known_.At(root_->shown).version;
  out.push_back({kDataLink, root_->shown, kLinkType, kDataLinkCookie});
  out.push_back({shown.data_dir(), root_->shown + 1, kDirectoryType, kDataDirCookie});
  for (const auto& [id, link] : links_.all()) {
    if (link.listed) out.push_back({link.name, id, kLinkType, kFirstNameCookie + id});
  }
  return out;
}

std::optional<std::vector<DirectoryEntry>> KubeletLayout::Names(InodeId id) const {
  if (id == kRootInode) return RootNames();
  const auto located = Locate(id);
  if (!located || located->is_link()) return std::nullopt;
  const VolumeVersion& version = *located->known.version;
  const TreeEntry& directory = version.entry(located->entry());
  if (!directory.is_directory) return std::nullopt;
  const InodeId parent =
      located->entry() == 0 ? kRootInode : id - located->entry() + directory.parent;
  std::vector<DirectoryEntry> out = {{".", id, kDirectoryType, 1},
                                     {"..", parent, kDirectoryType, 2}};
  if (located->alias) return out;
  std::uint64_t cookie = kFirstNameCookie;
  for (const std::uint32_t child : directory.children) {
    const TreeEntry& entry = version.entry(child);
    out.push_back({entry.name, *FindInDirectory(*located, entry.name),
                   entry.is_directory ? kDirectoryType : kFileType, cookie++});
  }
  return out;
}

VolumeStats KubeletLayout::Figures() const {
  VolumeStats stats;
  stats.versions = known_.all().size() - (root_->staged != 0 ? 1 : 0);
  stats.flips = root_->flips;
  for (const auto& [base, version] : known_.all()) stats.lookups += version.lookups;
  for (const auto& [id, link] : links_.all()) stats.lookups += link.lookups;
  if (root_->shown == 0) return stats;
  const KnownVersion& shown = known_.At(root_->shown);
  stats.data_dir = shown.version->data_dir();
  stats.resource_version = shown.resource_version;
  return stats;
}

}  // namespace downwardfs
