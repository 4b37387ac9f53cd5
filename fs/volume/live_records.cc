// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/live_records.h"

namespace downwardfs {

void LiveInodeFormat::Write(RecordWriter& record, const LiveInode& value) const {
  record.Number(value.version_id).Number(value.entry).Number(value.parent);
  record.Number(value.state == NameState::kNamed ? 1 : 0);
  record.Number(value.state == NameState::kPending ? 1 : 0);
  record.Number(value.lookups).Number(ToNanoseconds(value.time));
}

bool LiveInodeFormat::Read(InodeId, RecordReader& reader, LiveInode& value) const {
  value.version_id = reader.Number();
  value.version = versions.Find(value.version_id);
  value.entry = static_cast<std::uint32_t>(reader.Number());
  value.parent = reader.Number();
  const bool is_named = reader.Number() != 0;
  const bool is_pending = reader.Number() != 0;
  value.state = is_pending ? NameState::kPending : is_named ? NameState::kNamed : NameState::kHeld;
  value.lookups = reader.Number();
  value.time = FromNanoseconds(reader.Number());
  return value.version && value.entry < value.version->size();
}

void LiveInodeFormat::Index(InodeId id, const LiveInode& value, NameState before, NameState now) {
  const std::string& name = value.Entry().name;
  if (before == NameState::kPending) {
    const auto at = pending.find({value.parent, name});
    if (at != pending.end() && at->second == id) pending.erase(at);
  } else if (before == NameState::kNamed) {
    Names& names = children[value.parent];
    if (const auto at = names.find(name); at != names.end() && at->second == id) names.erase(at);
    if (names.empty()) children.erase(value.parent);
  }
  if (now == NameState::kPending) pending[{value.parent, name}] = id;
  if (now == NameState::kNamed) children[value.parent][name] = id;
}

const LiveInodeFormat::Names& LiveInodeFormat::Children(InodeId directory) const {
  static const Names kNone;
  const auto at = children.find(directory);
  return at == children.end() ? kNone : at->second;
}

void LiveOpenFormat::Write(RecordWriter& record, const LiveOpen& value) const {
  record.Number(value.version_id).Number(value.entry).Text(value.resource_version);
}

bool LiveOpenFormat::Read(std::uint64_t, RecordReader& reader, LiveOpen& value) const {
  value.version_id = reader.Number();
  value.version = versions.Find(value.version_id);
  value.entry = static_cast<std::uint32_t>(reader.Number());
  value.resource_version = reader.Text();
  return value.version && value.entry < value.version->size() &&
         !value.version->entry(value.entry).is_directory;
}

void LiveRootFormat::Write(RecordWriter& record, const LiveRoot& value) {
  record.Number(value.version).Text(value.resource_version).Number(value.next);
  record.Number(value.next_open).Number(value.flips);
}

void LiveRootFormat::Read(RecordReader& reader, LiveRoot& value) {
  value.version = reader.Number();
  value.resource_version = reader.Text();
  value.next = reader.Number();
  value.next_open = reader.Number();
  value.flips = reader.Number();
}

}  // namespace downwardfs
