// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/handover_log.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace downwardfs {
namespace {

// A record on its way: its length, its checksum, its bytes.
struct Frame {
  std::uint32_t size;
  std::uint32_t checksum;
};

// A log is copied when it has grown to four times the last copy, and not before this.
constexpr std::uint64_t kSmallLog = 256 << 10;
// A state that does not fit is copied again after so many changes: it may fit by then.
constexpr int kTryAgainAfter = 1024;

std::uint32_t Checksum(const void* bytes, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(0, static_cast<const unsigned char*>(bytes), size));
}

}  // namespace

RecordWriter& RecordWriter::Number(std::uint64_t value) {
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  return *this;
}

RecordWriter& RecordWriter::Text(std::string_view text) {
  Number(text.size());
  bytes_.append(text);
  return *this;
}

RecordWriter& RecordWriter::Raw(std::string_view bytes) {
  bytes_.append(bytes);
  return *this;
}

RecordWriter& RecordWriter::Append(const RecordWriter& rest) {
  bytes_.append(rest.bytes_);
  return *this;
}

std::uint64_t RecordReader::Number() {
  std::uint64_t value = 0;
  if (rest_.size() < sizeof value) {
    ok_ = false;
    return 0;
  }
  std::memcpy(&value, rest_.data(), sizeof value);
  rest_.remove_prefix(sizeof value);
  return value;
}

std::string_view RecordReader::Text() {
  const std::uint64_t size = Number();
  if (!ok_ || rest_.size() < size) {
    ok_ = false;
    return {};
  }
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

HandoverLog::HandoverLog(const HandoverMemory& memory)
    : memory_(memory),
      area_(memory.header().current & 1),
      used_(std::min<std::uint64_t>(memory.header().area[area_].used, kAreaBytes)) {
  compact_ = used_;
}

bool HandoverLog::empty() const {
  return memory_.header().area[area_].used == 0;
}

HandoverLog::Place HandoverLog::Append(std::string_view record) {
  memory_.Prove();
  if (full_ || used_ + sizeof(Frame) + record.size() > kAreaBytes) {
    // The next daemon would not know this record: none may attach until a copy has it all.
    full_ = true;
    memory_.header().lost = 1;
    return {};
  }
  const Frame frame = {static_cast<std::uint32_t>(record.size()),
                       Checksum(record.data(), record.size())};
  unsigned char* const to = memory_.area(area_) + used_;
  std::memcpy(to, &frame, sizeof frame);
  record.copy(reinterpret_cast<char*>(to) + sizeof frame, record.size());
  const Place place = {area_, frame.size, used_ + sizeof frame};
  used_ += sizeof frame + record.size();
  return place;
}

HandoverLog::Place HandoverLog::Add(const RecordWriter& record) {
  return Append(record.bytes());
}

HandoverLog::Place HandoverLog::AddAgain(const Place& place) {
  // A copy that did not fit has left places in the area that is written to now.
  if (place.size == 0 || place.area == area_) return {};
  if (const auto carried = carried_.find(place.at); carried != carried_.end()) {
    return carried->second;
  }
  const auto* const bytes = reinterpret_cast<const char*>(memory_.area(place.area) + place.at);
  return Append({bytes, place.size});
}

bool HandoverLog::Commit() {
  memory_.Prove();
  if (full_) return --until_copy_ <= 0;
  memory_.header().area[area_].used.store(used_, std::memory_order_release);
  // A large state has no room for four of it.
  const std::uint64_t half_of_the_rest = compact_ + (kAreaBytes - compact_) / 2;
  return used_ >= std::min(std::max(kSmallLog, 4 * compact_), half_of_the_rest);
}

void HandoverLog::Carry(const std::vector<Place>& places) {
  memory_.Prove();
  const std::uint32_t to = 1 - area_;
  memory_.header().area[to].used = 0;
  for (const Place& place : places) {
    if (place.size == 0 || place.area != area_) continue;
    const std::uint64_t bytes = sizeof(Frame) + place.size;
    if (carried_bytes_ + bytes > kAreaBytes) return;
    std::memcpy(memory_.area(to) + carried_bytes_, memory_.area(area_) + place.at - sizeof(Frame),
                bytes);
    carried_[place.at] = {to, place.size, carried_bytes_ + sizeof(Frame)};
    carried_bytes_ += bytes;
  }
}

void HandoverLog::BeginCopy() {
  area_ = 1 - area_;
  used_ = carried_bytes_;
  full_ = false;
  memory_.header().area[area_].used = 0;
}

void HandoverLog::ClearOther() const {
  memory_.Clear(1 - area_);
}

void HandoverLog::EndCopy() {
  memory_.Prove();
  carried_.clear();
  carried_bytes_ = 0;
  HandoverHeader& header = memory_.header();
  if (full_) {  // the log before it stays what counts, though `lost` says that it is not all
    area_ = 1 - area_;
    until_copy_ = kTryAgainAfter;
    return;
  }
  compact_ = used_;
  until_copy_ = 0;
  header.area[area_].used.store(used_, std::memory_order_release);
  header.current.store(area_, std::memory_order_release);
  header.lost.store(0, std::memory_order_release);
}

Status HandoverLog::Read(const std::function<Status(RecordReader, const Place&)>& each) const {
  const HandoverHeader& header = memory_.header();
  const std::uint32_t area = header.current;
  const std::uint64_t used = header.area[area & 1].used;
  const auto damaged = [](std::uint64_t at) {
    return Fail(ErrorCode::kFailedPrecondition,
                "the handover memory is damaged at byte " + std::to_string(at));
  };
  if (area > 1 || used > kAreaBytes) return damaged(0);
  const auto* const bytes = reinterpret_cast<const char*>(memory_.area(area));
  std::string record;
  for (std::uint64_t at = 0; at < used;) {
    Frame frame = {};
    if (used - at < sizeof frame) return damaged(at);
    std::memcpy(&frame, bytes + at, sizeof frame);
    at += sizeof frame;
    if (frame.size > used - at) return damaged(at);
    // A copy, so that what is checked is what is used.
    record.assign(bytes + at, frame.size);
    if (Checksum(record.data(), record.size()) != frame.checksum) return damaged(at);
    const Place place = {area, frame.size, at};
    if (auto done = each(RecordReader(record), place); !done) return done;
    at += frame.size;
  }
  return {};
}

}  // namespace downwardfs
