// SPDX-License-Identifier: Apache-2.0
// What the journal holds of a volume in the live layout (docs/handover.md), and how it is read
// back. Each record says what one thing is now; the last one of it counts.
#include <set>
#include <utility>

#include "fs/volume/live_nodes.h"

namespace downwardfs {
namespace {

enum Record : std::uint64_t {
  kVersion = 11,         // id, version
  kNode = 12,            // id, version, entry, parent, named, pending, lookups, time
  kDropped = 13,         // a node's id
  kDroppedVersion = 14,  // id
  kOpened = 15,          // number, version, entry, resourceVersion
  kClosed = 16,          // number
  kMeta = 17,            // current version, resourceVersion, next node id, next open, flips
};

}  // namespace

void LiveNodes::EndSaving() {
  if (!record_.Commit()) return;
  record_.BeginCopy();
  SaveAll();
  record_.EndCopy();
}

void LiveNodes::SaveVersion(std::uint64_t id) {
  if (!record_.on()) return;
  RecordWriter record;
  record.Number(kVersion).Number(id);
  AppendVersion(record, *versions_.at(id));
  record_.Add(record);
}

void LiveNodes::DropUnusedVersions() {
  std::set<std::uint64_t> used = {current_id_};
  for (const auto& [id, node] : nodes_) used.insert(node.version_id);
  for (const auto& [handle, opened] : opened_) used.insert(opened.version_id);
  for (auto it = versions_.begin(); it != versions_.end();) {
    if (used.count(it->first) > 0) {
      ++it;
      continue;
    }
    record_.Add(RecordWriter().Number(kDroppedVersion).Number(it->first));
    it = versions_.erase(it);
  }
}

void LiveNodes::SaveNode(NodeId id) {
  if (!record_.on()) return;
  const Node& node = nodes_.at(id);
  const bool pending = pending_.count({node.parent, node.Entry().name}) > 0 &&
                       pending_.at({node.parent, node.Entry().name}) == id;
  record_.Add(RecordWriter()
                  .Number(kNode)
                  .Number(id)
                  .Number(node.version_id)
                  .Number(node.entry)
                  .Number(node.parent)
                  .Number(node.named ? 1 : 0)
                  .Number(pending ? 1 : 0)
                  .Number(node.lookups)
                  .Number(ToNanoseconds(node.time)));
}

void LiveNodes::SaveDropped(NodeId id) {
  if (record_.on()) record_.Add(RecordWriter().Number(kDropped).Number(id));
}

void LiveNodes::SaveOpened(std::uint64_t handle) {
  if (!record_.on()) return;
  const OpenedFile& opened = opened_.at(handle);
  const auto& entries = *opened.file.version;
  std::uint32_t entry = 0;
  while (&entries.entry(entry) != opened.file.entry) ++entry;
  record_.Add(RecordWriter()
                  .Number(kOpened)
                  .Number(handle)
                  .Number(opened.version_id)
                  .Number(entry)
                  .Text(opened.file.resource_version));
}

void LiveNodes::SaveMeta() {
  if (!record_.on()) return;
  record_.Add(RecordWriter()
                  .Number(kMeta)
                  .Number(current_id_)
                  .Text(resource_version_)
                  .Number(next_id_)
                  .Number(next_handle_)
                  .Number(flips_));
}

void LiveNodes::SaveAll() {
  for (const auto& [id, version] : versions_) SaveVersion(id);
  for (const auto& [id, node] : nodes_) SaveNode(id);
  for (const auto& [handle, opened] : opened_) SaveOpened(handle);
  SaveMeta();
  record_.SaveAll();
}

Status LiveNodes::LoadNode(RecordReader& record) {
  const NodeId id = record.Number();
  Node node;
  node.version_id = record.Number();
  const auto version = versions_.find(node.version_id);
  if (version == versions_.end()) return DamagedMemory("a node without its version");
  node.version = version->second;
  node.entry = static_cast<std::uint32_t>(record.Number());
  node.parent = record.Number();
  node.named = record.Number() != 0;
  const bool pending = record.Number() != 0;
  node.lookups = record.Number();
  node.time = FromNanoseconds(record.Number());
  if (!record.ok() || node.entry >= node.version->size()) return DamagedMemory("a node");
  const std::pair<NodeId, std::string> name(node.parent, node.Entry().name);
  if (pending) {
    pending_[name] = id;
  } else if (const auto it = pending_.find(name); it != pending_.end() && it->second == id) {
    pending_.erase(it);
  }
  nodes_[id] = std::move(node);
  return {};
}

Status LiveNodes::LoadOpened(RecordReader& record) {
  const std::uint64_t handle = record.Number();
  OpenedFile opened;
  opened.version_id = record.Number();
  const auto version = versions_.find(opened.version_id);
  if (version == versions_.end()) return DamagedMemory("an open file without its version");
  const auto entry = static_cast<std::uint32_t>(record.Number());
  opened.file.resource_version = record.Text();
  if (!record.ok() || entry >= version->second->size()) return DamagedMemory("an open file");
  opened.file.version = version->second;
  opened.file.entry = &version->second->entry(entry);
  opened.file.contents = version->second->Contents();
  opened_[handle] = std::move(opened);
  return {};
}

Status LiveNodes::Load(RecordReader record) {
  const std::uint64_t kind = record.Number();
  switch (kind) {
    case kVersion: {
      const std::uint64_t id = record.Number();
      versions_[id] = ReadVersion(record);
      if (!versions_[id]) return DamagedMemory("a version");
      break;
    }
    case kNode:
      return LoadNode(record);
    case kDropped: {
      const NodeId id = record.Number();
      nodes_.erase(id);
      for (auto it = pending_.begin(); it != pending_.end();) {
        it = it->second == id ? pending_.erase(it) : std::next(it);
      }
      break;
    }
    case kDroppedVersion:
      versions_.erase(record.Number());
      break;
    case kOpened:
      return LoadOpened(record);
    case kClosed:
      opened_.erase(record.Number());
      break;
    case kMeta:
      current_id_ = record.Number();
      resource_version_ = record.Text();
      next_id_ = record.Number();
      next_handle_ = record.Number();
      flips_ = record.Number();
      break;
    default:
      if (!record_.Load(kind, record)) return DamagedMemory("an unknown record");
  }
  if (!record.ok()) return DamagedMemory("a short record");
  return {};
}

// What is not recorded because it follows from the rest.
Status LiveNodes::TieTogether() {
  const auto current = versions_.find(current_id_);
  if (current == versions_.end()) return DamagedMemory("no current version");
  current_ = current->second;
  for (auto& [id, node] : nodes_) {
    if (id >= next_id_) return DamagedMemory("node ids beyond the last");
    if (id == kRootNode || !node.named) continue;
    const auto parent = nodes_.find(node.parent);
    if (parent == nodes_.end() || parent->first >= id)
      return DamagedMemory("a node without parent");
    parent->second.children[node.Entry().name] = id;
  }
  return {};
}

Status LiveNodes::UseJournal(std::unique_ptr<Journal> journal) {
  TreeChange armed;
  {
    MutexLock lock(mutex_);
    if (!journal->empty()) {
      nodes_.clear();
      auto read = journal->Read([this](RecordReader record)
                                    NO_THREAD_SAFETY_ANALYSIS { return Load(record); });
      if (!read) return read;
      if (auto good = TieTogether(); !good) return good;
    }
    record_.Loaded();
    armed = record_.armed();
    record_.Use(std::move(journal));
  }
  VolumeNodes::Arm(std::move(armed));
  return {};
}

bool LiveNodes::WasDone(std::uint64_t unique) const {
  MutexLock lock(mutex_);
  return record_.DoneBefore(unique).has_value();
}

void LiveNodes::TakeBack(std::uint64_t unique) {
  MutexLock lock(mutex_);
  const auto done = record_.DoneBefore(unique);
  if (!done) return;
  const Saving saving(*this);
  if ((done->counted & kOpenedBit) != 0) {
    opened_before_[unique] = done->counted & ~kOpenedBit;
  } else if (done->counted != 0) {
    ForgetLocked(done->counted, 1);
  }
  record_.TakeBack(unique);
}

}  // namespace downwardfs
