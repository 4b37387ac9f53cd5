// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/volume_layout.h"

#include <utility>

namespace downwardfs {
namespace {

// With no lock held: the size of a file may have to be rendered.
std::optional<Entry> EntryOf(const std::optional<UnsizedAttr>& unsized) {
  if (!unsized) return std::nullopt;
  return Entry{Sized(*unsized)};
}

}  // namespace

std::optional<Entry> VolumeLayout::Lookup(InodeId parent, std::string_view name) {
  std::optional<UnsizedAttr> found;
  {
    MutexLock lock(mutex_);
    const auto id = Find(parent, name);
    if (!id) return std::nullopt;
    Edit edit(record_);
    AddLookup(edit, *id);
    found = Describe(*id);
  }
  return EntryOf(found);
}

void VolumeLayout::Forget(std::span<const Forgotten> inodes) {
  MutexLock lock(mutex_);
  Edit edit(record_);
  for (const Forgotten& inode : inodes) DropLookups(edit, inode);
}

std::optional<Entry> VolumeLayout::Attr(InodeId id) const {
  std::optional<UnsizedAttr> found;
  {
    MutexLock lock(mutex_);
    found = Describe(id);
  }
  return EntryOf(found);
}

std::optional<FileRef> VolumeLayout::File(InodeId id) const {
  std::optional<FileRef> file;
  {
    MutexLock lock(mutex_);
    file = FindFile(id);
  }
  if (file) file->contents = file->version->Contents();
  return file;
}

FileBytes VolumeLayout::Content(InodeId id, std::uint64_t, std::uint64_t) {
  const auto file = File(id);
  if (!file) return nullptr;
  return {file->contents, &file->content()};
}

Listing VolumeLayout::List(InodeId id, std::uint64_t, bool) {
  MutexLock lock(mutex_);
  auto names = Names(id);
  if (!names) return nullptr;
  return std::make_shared<const std::vector<DirectoryEntry>>(std::move(*names));
}

std::optional<FileSystem::Origin> VolumeLayout::OriginOf(InodeId id) const {
  MutexLock lock(mutex_);
  auto file = FindFile(id);
  if (!file) return std::nullopt;
  return Origin{file->entry->source, std::move(file->resource_version)};
}

FileSystem::Totals VolumeLayout::GetTotals() const {
  const VolumeVersionPtr version = CurrentVersion();
  return version ? Totals{version->file_count(), version->kept_bytes()} : Totals{};
}

std::optional<Entry> VolumeLayout::Apply(const TreeChange& change) {
  std::optional<UnsizedAttr> found;
  {
    MutexLock lock(mutex_);
    if (change.kind == TreeChange::Kind::kNone || record_.armed() != change) return std::nullopt;
    Edit edit(record_);
    Changed changed{change.inode, false};
    if (change.kind != TreeChange::Kind::kSetAttributes) {
      const auto done = Change(edit, change);
      if (!done) return std::nullopt;
      changed = *done;
    }
    if (changed.made) AddLookup(edit, changed.id);
    found = Describe(changed.id);
  }
  return EntryOf(found);
}

void VolumeLayout::Arm(TreeChange change) {
  MutexLock lock(mutex_);
  record_.Arm(std::move(change));
}

TreeChange VolumeLayout::Armed() const {
  MutexLock lock(mutex_);
  return record_.armed();
}

Status VolumeLayout::UseLog(std::unique_ptr<HandoverLog> log) {
  MutexLock lock(mutex_);
  if (auto read = record_.Read(*log); !read) return read;
  if (!log->empty()) {
    if (auto good = Check(); !good) return good;
  }
  record_.Use(std::move(log));
  return {};
}

Status VolumeLayout::ResumeFrom(std::unique_ptr<HandoverLog> log) {
  if (log->empty()) return DamagedMemory("it is empty");
  if (auto done = UseLog(std::move(log)); !done) return done;
  Rehearse();
  return {};
}

void VolumeLayout::CopyLater(std::function<void()> copy_later) {
  MutexLock lock(mutex_);
  record_.CopyLater(std::move(copy_later));
}

void VolumeLayout::CopyRecords() {
  HandoverLog* log = nullptr;  // stays for as long as the layout
  std::vector<HandoverLog::Place> large;
  {
    MutexLock lock(mutex_);
    log = record_.log();
    if (log == nullptr) return;
    large = record_.BeginCopy();
  }
  log->Carry(large);
  {
    MutexLock lock(mutex_);
    record_.FinishCopy();
  }
  log->ClearOther();
}

bool VolumeLayout::WasDone(std::uint64_t unique) const {
  MutexLock lock(mutex_);
  return record_.DoneBefore(unique).has_value();
}

void VolumeLayout::TakeBack(std::uint64_t unique) {
  MutexLock lock(mutex_);
  const auto done = record_.DoneBefore(unique);
  if (!done) return;
  Edit edit(record_);
  if ((done->counted & RecordedState::kOpenBit) != 0) {
    TakeBackOpen(unique, done->counted & ~RecordedState::kOpenBit);
  } else if (done->counted != 0) {
    DropLookups(edit, {done->counted, 1});
  }
  record_.TakeBack(edit, unique);
}

VolumeVersionPtr VolumeLayout::CurrentVersion() const {
  MutexLock lock(mutex_);
  return Current();
}

VolumeStats VolumeLayout::GetStats() const {
  VolumeStats stats;
  VolumeVersionPtr current;
  {
    MutexLock lock(mutex_);
    stats = Figures();
    current = Current();
    stats.versions_dropped = versions_dropped_;
    if (const HandoverLog* const log = record_.log()) {
      stats.log_bytes = log->used();
      stats.log_limit = kAreaBytes;
      stats.log_full = log->lost();
    }
  }
  if (current) {
    stats.files = current->file_count();
    stats.content_bytes = current->kept_bytes();
  }
  return stats;
}

std::vector<InodeId> VolumeLayout::SetOwnership(const Ownership& ownership) {
  MutexLock lock(mutex_);
  ownership_ = ownership;
  return KnownInodes();
}

bool VolumeLayout::recorded() const {
  MutexLock lock(mutex_);
  return record_.on();
}

}  // namespace downwardfs
