// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/kubelet_records.h"

#include <string_view>

namespace downwardfs {

void KnownVersionFormat::Write(RecordWriter& record, const KnownVersion& value) const {
  record.Number(LifeToBits(value.life)).Text(value.resource_version).Number(value.lookups);
  record.Number(value.known.size());
  for (const std::uint32_t lookups : value.known) record.Number(lookups);
  std::string unlinked;
  for (const bool entry : value.unlinked) unlinked += entry ? '1' : '0';
  record.Text(unlinked);
}

bool KnownVersionFormat::Read(InodeId base, RecordReader& reader, KnownVersion& value) const {
  value.version = versions.Find(base);
  if (!value.version) return false;
  value.life = LifeFromBits(reader.Number());
  value.resource_version = reader.Text();
  value.lookups = reader.Number();
  value.known.resize(1 + std::size_t{value.version->size()});
  if (reader.Number() != value.known.size()) return false;
  for (std::uint32_t& lookups : value.known) lookups = static_cast<std::uint32_t>(reader.Number());
  const std::string_view unlinked = reader.Text();
  if (!unlinked.empty() && unlinked.size() != value.version->size()) return false;
  for (const char entry : unlinked) value.unlinked.push_back(entry == '1');
  return true;
}

void KnownVersionFormat::Index(InodeId base, const KnownVersion& value, bool, bool now) {
  const std::string& name = value.version->data_dir();
  if (now) {
    data_dirs[name] = base;
  } else if (const auto at = data_dirs.find(name); at != data_dirs.end() && at->second == base) {
    data_dirs.erase(at);
  }
}

void RootLinkFormat::Write(RecordWriter& record, const RootLink& value) const {
  record.Text(value.name).Number(value.lookups).Number(value.listed ? 1 : 0);
  record.Number(ToNanoseconds(value.created));
}

bool RootLinkFormat::Read(InodeId, RecordReader& reader, RootLink& value) const {
  value.name = reader.Text();
  value.lookups = reader.Number();
  value.listed = reader.Number() != 0;
  value.created = FromNanoseconds(reader.Number());
  return true;
}

// A damaged memory may list a name twice: the first counts until all is read (FinishReading()).
void RootLinkFormat::Index(InodeId id, const RootLink& value, bool before, bool now) {
  if (now) by_name.emplace(value.name, id);
  if (!before) return;
  const auto at = by_name.find(value.name);
  if (at != by_name.end() && at->second == id) by_name.erase(at);
}

void KubeletRootFormat::Write(RecordWriter& record, const KubeletRoot& value) {
  record.Number(value.shown).Number(value.staged).Number(value.next);
  record.Number(ToNanoseconds(value.time)).Number(value.flips).Number(value.new_link ? 1 : 0);
}

void KubeletRootFormat::Read(RecordReader& reader, KubeletRoot& value) {
  value.shown = reader.Number();
  value.staged = reader.Number();
  value.next = reader.Number();
  value.time = FromNanoseconds(reader.Number());
  value.flips = reader.Number();
  value.new_link = reader.Number() != 0;
}

}  // namespace downwardfs
