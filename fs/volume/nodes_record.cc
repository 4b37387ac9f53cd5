// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/nodes_record.h"

#include <algorithm>
#include <utility>

#include "fs/fuse/request_in_work.h"

namespace downwardfs {

void NodesRecord::SaveArmed(const TreeChange& change) {
  armed_ = change;
  Add(RecordWriter()
          .Number(kArmed)
          .Number(static_cast<std::uint64_t>(change.kind))
          .Number(change.node)
          .Text(change.name)
          .Text(change.new_name));
}

void NodesRecord::SaveDone(std::uint64_t counted) {
  const auto [slot, unique] = request_in_work;
  if (!on() || unique == 0) return;
  if (done_.size() <= slot) done_.resize(slot + 1);
  done_[slot] = {unique, counted};
  Add(RecordWriter().Number(kDone).Number(slot).Number(unique).Number(counted));
}

void NodesRecord::SaveAll() {
  SaveArmed(TreeChange(armed_));
  for (std::size_t slot = 0; slot < done_.size(); ++slot) {
    const Done& done = done_[slot];
    Add(RecordWriter().Number(kDone).Number(slot).Number(done.unique).Number(done.counted));
  }
}

bool NodesRecord::Load(std::uint64_t kind, RecordReader& record) {
  if (kind == kArmed) {
    armed_.kind = static_cast<TreeChange::Kind>(record.Number());
    armed_.node = record.Number();
    armed_.name = record.Text();
    armed_.new_name = record.Text();
    return record.ok();
  }
  const std::uint64_t slot = record.Number();
  if (kind != kDone || slot >= kMaxSlots) return false;
  if (done_.size() <= slot) done_.resize(slot + 1);
  done_[slot].unique = record.Number();
  done_[slot].counted = record.Number();
  return record.ok();
}

std::optional<NodesRecord::Done> NodesRecord::DoneBefore(std::uint64_t unique) const {
  const auto done = std::find_if(before_.begin(), before_.end(),
                                 [&](const Done& each) { return each.unique == unique; });
  if (unique == 0 || done == before_.end()) return std::nullopt;
  return *done;
}

void NodesRecord::TakeBack(std::uint64_t unique) {
  for (std::size_t slot = 0; slot < before_.size(); ++slot) {
    if (before_[slot].unique != unique) continue;
    before_[slot] = {};
    if (done_[slot].unique != unique) continue;  // the slot is in use again
    done_[slot] = {};
    Add(RecordWriter().Number(kDone).Number(slot).Number(0).Number(0));
  }
}

tl::unexpected<Error> DamagedMemory(const std::string& what) {
  return Fail(ErrorCode::kFailedPrecondition, "the handover memory is damaged: " + what);
}

void AppendVersion(RecordWriter& record, const VolumeVersion& version) {
  const auto contents = version.PeekContents();
  record.Number(ToNanoseconds(version.created()));
  record.Text(version.data_dir()).Number(version.file_count());
  for (const std::uint32_t file : version.Files()) {
    const TreeEntry& entry = version.entry(file);
    record.Text(version.Path(file)).Number(entry.mode).Text(entry.source);
    record.Text((*contents)[entry.file]);
  }
}

VolumeVersionPtr ReadVersion(RecordReader& record) {
  const auto created = FromNanoseconds(record.Number());
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
  if (!record.ok()) return nullptr;
  return VolumeVersion::Make(std::move(files), data_dir, created);
}

std::uint64_t ToNanoseconds(std::chrono::system_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

std::chrono::system_clock::time_point FromNanoseconds(std::uint64_t nanoseconds) {
  using Time = std::chrono::system_clock::time_point;
  return Time(std::chrono::duration_cast<Time::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds))));
}

}  // namespace downwardfs
