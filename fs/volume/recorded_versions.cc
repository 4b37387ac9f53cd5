// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/recorded_versions.h"

#include <utility>

namespace downwardfs {

RecordedVersions::RecordedVersions(RecordedState& state, Records records) : records_(records) {
  state.Register(*this);
}

RecordedVersions::Prepared RecordedVersions::Prepare(VolumeVersionPtr version) {
  Prepared prepared;
  AppendVersion(prepared.bytes, *version);
  prepared.version = std::move(version);
  return prepared;
}

VolumeVersionPtr RecordedVersions::Find(std::uint64_t id) const {
  const auto at = versions_.find(id);
  return at == versions_.end() ? nullptr : at->second.version;
}

std::uint64_t RecordedVersions::BytesOf(std::uint64_t id) const {
  const auto at = versions_.find(id);
  return at == versions_.end() ? 0 : at->second.bytes;
}

void RecordedVersions::Put(Edit& edit, std::uint64_t id, const Prepared& prepared) {
  Held& held = versions_[id];
  held.version = prepared.version;
  if (!edit.on()) return;
  held.bytes = prepared.bytes.bytes().size();
  bytes_ += held.bytes;
  held.place = edit.Add(StartRecord(records_.version).Number(id).Append(prepared.bytes));
}

void RecordedVersions::Erase(Edit& edit, std::uint64_t id) {
  bytes_ -= BytesOf(id);
  versions_.erase(id);
  if (edit.on()) edit.Add(StartRecord(records_.gone).Number(id));
}

Status RecordedVersions::Read(Record record, RecordReader reader, const HandoverLog::Place& place,
                              bool& known) {
  if (record != records_.version && record != records_.gone) return {};
  known = true;
  const std::uint64_t id = reader.Number();
  if (record == records_.gone) {
    bytes_ -= BytesOf(id);
    versions_.erase(id);
    return {};
  }
  VolumeVersionPtr version = ReadVersion(reader);
  // A version never changes, so a number has one record.
  if (!version || id == 0 || versions_.count(id) != 0) return DamagedMemory("a version");
  versions_[id] = {std::move(version), place, place.size};
  bytes_ += place.size;
  return {};
}

void RecordedVersions::AddLarge(std::vector<HandoverLog::Place>& places) {
  carried_.clear();
  for (const auto& [id, held] : versions_) {
    places.push_back(held.place);
    carried_.push_back(id);
  }
}

void RecordedVersions::Copy(HandoverLog& log) {
  // Those that went while they were carried over.
  for (const std::uint64_t id : carried_) {
    if (versions_.count(id) == 0) log.Add(StartRecord(records_.gone).Number(id));
  }
  carried_.clear();
  for (auto& [id, held] : versions_) {
    held.place = log.AddAgain(held.place);
    if (held.place.size != 0) continue;
    RecordWriter record = StartRecord(records_.version).Number(id);
    AppendVersion(record, *held.version);
    held.place = log.Add(record);
  }
}

}  // namespace downwardfs
