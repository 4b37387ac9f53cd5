// SPDX-License-Identifier: Apache-2.0
// What the journal holds of a volume in the kubelet's layout (docs/handover.md), and how it is read
// back. Each record says what one thing is now; the last one of it counts.
#include <algorithm>
#include <utility>

#include "fs/fuse/request_in_work.h"
#include "fs/fuse/versioned_nodes.h"

namespace downwardfs {
namespace {

enum Record : std::uint64_t {
  kVersion = 1,  // base, created, data directory, files: path, mode, source, content
  kState = 2,    // base, flags, resourceVersion, lookups, known by index, unlinked by entry
  kDropped = 3,  // a version's base or a link's id
  kLink = 4,     // id, name, lookups, listed, created
  kMeta = 5,     // current, staged, next id, the root's time, flips, ..data_tmp is there
  kArmed = 6,    // kind, node, name, new name
  kDone = 7,     // slot, unique, counted node
};

constexpr std::uint64_t kNamed = 1;  // flags
constexpr std::uint64_t kOrphaned = 2;
constexpr std::uint64_t kByAlias = 4;

std::uint64_t Nanoseconds(VolumeNodes::WallTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

VolumeNodes::WallTime Time(std::uint64_t nanoseconds) {
  return VolumeNodes::WallTime(std::chrono::duration_cast<VolumeNodes::WallTime::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds))));
}

tl::unexpected<Error> Damaged(const std::string& what) {
  return Fail(ErrorCode::kFailedPrecondition, "the handover memory is damaged: " + what);
}

}  // namespace

void VersionedNodes::EndSaving() {
  if (!journal_ || !journal_->Commit()) return;
  journal_->BeginCopy();
  SaveAll();
  journal_->EndCopy();
}

void VersionedNodes::SaveVersion(NodeId base) {
  if (!journal_) return;
  const VolumeVersion& version = *live_.at(base).version;
  const auto contents = version.PeekContents();
  RecordWriter record;
  record.Number(kVersion).Number(base).Number(Nanoseconds(version.created()));
  record.Text(version.data_dir()).Number(version.file_count());
  for (const std::uint32_t file : version.Files()) {
    const TreeEntry& entry = version.entry(file);
    record.Text(version.Path(file)).Number(entry.mode).Text(entry.source);
    record.Text((*contents)[entry.file]);
  }
  journal_->Add(record);
}

Status VersionedNodes::LoadVersion(RecordReader& record) {
  const NodeId base = record.Number();
  const WallTime created = Time(record.Number());
  const std::string data_dir(record.Text());
  const std::uint64_t count = record.Number();
  std::vector<ProjectedFile> files;
  for (std::uint64_t i = 0; i < count && record.ok(); ++i) {
    ProjectedFile file;
    file.path = record.Text();
    file.mode = static_cast<std::uint32_t>(record.Number());
    file.source = record.Text();
    file.content = record.Text();
    files.push_back(std::move(file));
  }
  if (!record.ok() || base <= kRootNode) return Damaged("a version");
  Live& live = live_[base];
  live.version = VolumeVersion::Make(std::move(files), data_dir, created);
  live.known.assign(1 + live.version->size(), 0);
  return {};
}

void VersionedNodes::SaveState(NodeId base) {
  if (!journal_) return;
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
  journal_->Add(record);
}

Status VersionedNodes::LoadState(RecordReader& record) {
  const auto it = live_.find(record.Number());
  if (it == live_.end()) return Damaged("a state without its version");
  Live& live = it->second;
  const std::uint64_t flags = record.Number();
  live.named = (flags & kNamed) != 0;
  live.orphaned = (flags & kOrphaned) != 0;
  live.by_alias = (flags & kByAlias) != 0;
  live.resource_version = record.Text();
  live.lookups = record.Number();
  if (record.Number() != live.known.size()) return Damaged("a state of another version");
  for (std::uint32_t& lookups : live.known) lookups = static_cast<std::uint32_t>(record.Number());
  const std::string_view unlinked = record.Text();
  if (!record.ok() || (!unlinked.empty() && unlinked.size() != live.version->size())) {
    return Damaged("a state");
  }
  live.unlinked.clear();
  for (const char c : unlinked) live.unlinked.push_back(c == '1');
  return {};
}

void VersionedNodes::SaveDropped(NodeId base) {
  if (journal_) journal_->Add(RecordWriter().Number(kDropped).Number(base));
}

void VersionedNodes::SaveLink(NodeId id) {
  if (!journal_) return;
  const Link& link = links_.at(id);
  journal_->Add(RecordWriter()
                    .Number(kLink)
                    .Number(id)
                    .Text(link.name)
                    .Number(link.lookups)
                    .Number(link.listed ? 1 : 0)
                    .Number(Nanoseconds(link.created)));
}

void VersionedNodes::SaveMeta() {
  if (!journal_) return;
  journal_->Add(RecordWriter()
                    .Number(kMeta)
                    .Number(current_)
                    .Number(staged_)
                    .Number(next_id_)
                    .Number(Nanoseconds(root_time_))
                    .Number(flips_)
                    .Number(staged_link_ ? 1 : 0));
}

void VersionedNodes::SaveArmed() {
  if (!journal_) return;
  journal_->Add(RecordWriter()
                    .Number(kArmed)
                    .Number(static_cast<std::uint64_t>(armed_now_.kind))
                    .Number(armed_now_.node)
                    .Text(armed_now_.name)
                    .Text(armed_now_.new_name));
}

void VersionedNodes::SaveDone(NodeId counted) {
  const auto [slot, unique] = request_in_work;
  if (!journal_ || unique == 0) return;
  if (done_.size() <= slot) done_.resize(slot + 1);
  done_[slot] = {unique, counted};
  journal_->Add(RecordWriter().Number(kDone).Number(slot).Number(unique).Number(counted));
}

void VersionedNodes::SaveAll() {
  for (const auto& [base, live] : live_) {
    SaveVersion(base);
    SaveState(base);
  }
  for (const auto& [id, link] : links_) SaveLink(id);
  SaveMeta();
  SaveArmed();
  for (std::size_t slot = 0; slot < done_.size(); ++slot) {
    journal_->Add(RecordWriter()
                      .Number(kDone)
                      .Number(slot)
                      .Number(done_[slot].unique)
                      .Number(done_[slot].counted));
  }
}

Status VersionedNodes::Load(RecordReader record) {
  switch (record.Number()) {
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
      link.created = Time(record.Number());
      break;
    }
    case kMeta:
      current_ = record.Number();
      staged_ = record.Number();
      next_id_ = record.Number();
      root_time_ = Time(record.Number());
      flips_ = record.Number();
      staged_link_ = record.Number() != 0;
      break;
    case kArmed:
      armed_now_.kind = static_cast<TreeChange::Kind>(record.Number());
      armed_now_.node = record.Number();
      armed_now_.name = record.Text();
      armed_now_.new_name = record.Text();
      break;
    case kDone: {
      const std::uint64_t slot = record.Number();
      if (slot >= kMaxSlots) return Damaged("a slot");
      if (done_.size() <= slot) done_.resize(slot + 1);
      done_[slot].unique = record.Number();
      done_[slot].counted = record.Number();
      break;
    }
    default:
      return Damaged("an unknown record");
  }
  if (!record.ok()) return Damaged("a short record");
  return {};
}

Status VersionedNodes::CheckLoaded() const {
  if (current_ != 0 && live_.count(current_) == 0) return Damaged("no current version");
  if (staged_ != 0 && live_.count(staged_) == 0) return Damaged("no staged version");
  NodeId free = kRootNode + 1;
  for (const auto& [base, live] : live_) {
    if (base < free) return Damaged("versions overlap");
    free = base + 2 * (1 + std::uint64_t{live.version->size()});
  }
  if (free > next_id_ || (!links_.empty() && links_.rbegin()->first >= next_id_)) {
    return Damaged("node ids beyond the last");
  }
  return {};
}

Status VersionedNodes::UseJournal(std::unique_ptr<Journal> journal) {
  TreeChange armed;
  {
    MutexLock lock(mutex_);
    auto read = journal->Read([this](RecordReader record) { return Load(record); });
    if (!read) return read;
    if (auto good = CheckLoaded(); !good) return good;
    for (const auto& [base, live] : live_) {
      if (live.named) data_dirs_[live.version->data_dir()] = base;
    }
    done_before_ = done_;
    armed = armed_now_;
    journal_ = std::move(journal);
  }
  VolumeNodes::Arm(std::move(armed));
  return {};
}

bool VersionedNodes::WasDone(std::uint64_t unique) const {
  MutexLock lock(mutex_);
  return std::any_of(done_before_.begin(), done_before_.end(),
                     [&](const Done& done) { return done.unique == unique; });
}

void VersionedNodes::TakeBack(std::uint64_t unique) {
  MutexLock lock(mutex_);
  const Saving saving(*this);
  for (std::size_t slot = 0; slot < done_before_.size(); ++slot) {
    Done& done = done_before_[slot];
    if (unique == 0 || done.unique != unique) continue;
    if (done.counted != 0) ForgetLocked(done.counted, 1);
    done = {};
    if (done_[slot].unique != unique) continue;  // the slot is in use again
    done_[slot] = {};
    if (journal_) {
      journal_->Add(RecordWriter().Number(kDone).Number(slot).Number(0).Number(0));
    }
  }
}

}  // namespace downwardfs
