// SPDX-License-Identifier: Apache-2.0
// What the journal holds of a volume in the kubelet's layout (docs/handover.md), and how it is read
// back. Each record says what one thing is now; the last one of it counts.
#include <utility>

#include "fs/volume/versioned_nodes.h"

namespace downwardfs {
namespace {

enum Record : std::uint64_t {
  kVersion = 1,  // base, created, data directory, files: path, mode, source, content
  kState = 2,    // base, flags, resourceVersion, lookups, known by index, unlinked by entry
  kDropped = 3,  // a version's base or a link's id
  kLink = 4,     // id, name, lookups, listed, created
  kMeta = 5,     // current, staged, next id, the root's time, flips, ..data_tmp is there
};

constexpr std::uint64_t kNamed = 1;  // flags
constexpr std::uint64_t kOrphaned = 2;
constexpr std::uint64_t kByAlias = 4;

}  // namespace

void VersionedNodes::EndSaving() {
  if (!record_.Commit()) return;
  record_.BeginCopy();
  SaveAll();
  record_.EndCopy();
}

void VersionedNodes::SaveVersion(NodeId base) {
  if (!record_.on()) return;
  RecordWriter record;
  record.Number(kVersion).Number(base);
  AppendVersion(record, *live_.at(base).version);
  record_.Add(record);
}

Status VersionedNodes::LoadVersion(RecordReader& record) {
  const NodeId base = record.Number();
  VolumeVersionPtr version = ReadVersion(record);
  if (!version || base <= kRootNode) return DamagedMemory("a version");
  Live& live = live_[base];
  live.known.assign(1 + version->size(), 0);
  live.version = std::move(version);
  return {};
}

void VersionedNodes::SaveState(NodeId base) {
  if (!record_.on()) return;
  const Live& live = live_.at(base);
  RecordWriter record;
  record.Number(kState).Number(base);
  record.Number((live.named ? kNamed : 0) | (live.orphaned ? kOrphaned : 0) |
                (live.by_alias ? kByAlias : 0));
  record.Text(live.resource_version).Number(live.lookups).Number(live.known.size());
  for (const std::uint32_t lookups : live.known) record.Number(lookups);
  std::string unlinked;
  for (const bool entry : live.unlinked) unlinked += entry ? '1' : '0';
  record.Text(unlinked);
  record_.Add(record);
}

Status VersionedNodes::LoadState(RecordReader& record) {
  const auto it = live_.find(record.Number());
  if (it == live_.end()) return DamagedMemory("a state without its version");
  Live& live = it->second;
  const std::uint64_t flags = record.Number();
  live.named = (flags & kNamed) != 0;
  live.orphaned = (flags & kOrphaned) != 0;
  live.by_alias = (flags & kByAlias) != 0;
  live.resource_version = record.Text();
  live.lookups = record.Number();
  if (record.Number() != live.known.size()) return DamagedMemory("a state of another version");
  for (std::uint32_t& lookups : live.known) lookups = static_cast<std::uint32_t>(record.Number());
  const std::string_view unlinked = record.Text();
  if (!record.ok() || (!unlinked.empty() && unlinked.size() != live.version->size())) {
    return DamagedMemory("a state");
  }
  live.unlinked.clear();
  for (const char c : unlinked) live.unlinked.push_back(c == '1');
  return {};
}

void VersionedNodes::SaveDropped(NodeId base) {
  record_.Add(RecordWriter().Number(kDropped).Number(base));
}

void VersionedNodes::SaveLink(NodeId id) {
  if (!record_.on()) return;
  const Link& link = links_.at(id);
  record_.Add(RecordWriter()
                  .Number(kLink)
                  .Number(id)
                  .Text(link.name)
                  .Number(link.lookups)
                  .Number(link.listed ? 1 : 0)
                  .Number(ToNanoseconds(link.created)));
}

void VersionedNodes::SaveMeta() {
  if (!record_.on()) return;
  record_.Add(RecordWriter()
                  .Number(kMeta)
                  .Number(current_)
                  .Number(staged_)
                  .Number(next_id_)
                  .Number(ToNanoseconds(root_time_))
                  .Number(flips_)
                  .Number(staged_link_ ? 1 : 0));
}

void VersionedNodes::SaveAll() {
  for (const auto& [base, live] : live_) {
    SaveVersion(base);
    SaveState(base);
  }
  for (const auto& [id, link] : links_) SaveLink(id);
  SaveMeta();
  record_.SaveAll();
}

Status VersionedNodes::Load(RecordReader record) {
  const std::uint64_t kind = record.Number();
  switch (kind) {
    case kVersion:
      return LoadVersion(record);
    case kState:
      return LoadState(record);
    case kDropped: {
      const NodeId id = record.Number();
      live_.erase(id);
      links_.erase(id);
      break;
    }
    case kLink: {
      Link& link = links_[record.Number()];
      link.name = record.Text();
      link.lookups = record.Number();
      link.listed = record.Number() != 0;
      link.created = FromNanoseconds(record.Number());
      break;
    }
    case kMeta:
      current_ = record.Number();
      staged_ = record.Number();
      next_id_ = record.Number();
      root_time_ = FromNanoseconds(record.Number());
      flips_ = record.Number();
      staged_link_ = record.Number() != 0;
      break;
    default:
      if (!record_.Load(kind, record)) return DamagedMemory("an unknown record");
  }
  if (!record.ok()) return DamagedMemory("a short record");
  return {};
}

Status VersionedNodes::CheckLoaded() const {
  if (current_ != 0 && live_.count(current_) == 0) return DamagedMemory("no current version");
  if (staged_ != 0 && live_.count(staged_) == 0) return DamagedMemory("no staged version");
  NodeId free = kRootNode + 1;
  for (const auto& [base, live] : live_) {
    if (base < free) return DamagedMemory("versions overlap");
    free = base + 2 * (1 + std::uint64_t{live.version->size()});
  }
  if (free > next_id_ || (!links_.empty() && links_.rbegin()->first >= next_id_)) {
    return DamagedMemory("node ids beyond the last");
  }
  return {};
}

Status VersionedNodes::UseJournal(std::unique_ptr<Journal> journal) {
  TreeChange armed;
  {
    MutexLock lock(mutex_);
    auto read = journal->Read([this](RecordReader record)
                                  NO_THREAD_SAFETY_ANALYSIS { return Load(record); });
    if (!read) return read;
    if (auto good = CheckLoaded(); !good) return good;
    for (const auto& [base, live] : live_) {
      if (live.named) data_dirs_[live.version->data_dir()] = base;
    }
    record_.Loaded();
    armed = record_.armed();
    record_.Use(std::move(journal));
  }
  VolumeNodes::Arm(std::move(armed));
  return {};
}

bool VersionedNodes::WasDone(std::uint64_t unique) const {
  MutexLock lock(mutex_);
  return record_.DoneBefore(unique).has_value();
}

void VersionedNodes::TakeBack(std::uint64_t unique) {
  MutexLock lock(mutex_);
  const auto done = record_.DoneBefore(unique);
  if (!done) return;
  const Saving saving(*this);
  if (done->counted != 0) ForgetLocked(done->counted, 1);
  record_.TakeBack(unique);
}

}  // namespace downwardfs
