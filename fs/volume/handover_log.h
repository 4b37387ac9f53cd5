// SPDX-License-Identifier: Apache-2.0
//
// Writes what the kernel may still refer to into the handover memory, as records that a later
// daemon of the same mount reads back. A record says what something is now, not what happened to
// it, so the last one of each thing counts and a copy of the present state is a log of its own.
//
// Format: a log is a row of records, each with its length and CRC-32 (4 bytes each) before its
// bytes. The bytes are numbers (8 bytes, little-endian) and texts (length as a number, bytes); the
// first number says which record it is (handover_records.h).
//
// Used by RecordedState alone, under the lock of the layout that owns it: Add() any number of
// records, then Commit(), which makes all of them count at once. Carry() and ClearOther(), which
// take long, need no lock: they touch the area that nobody writes to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mount-helper/handover_memory.h"

namespace downwardfs {

/// Appends numbers and texts to a record: little-endian, as the machine has them.
class RecordWriter {
 public:
  RecordWriter& Number(std::uint64_t value);
  RecordWriter& Text(std::string_view text);
  RecordWriter& Append(const RecordWriter& rest);
  /// Bytes that are numbers and texts already, or, for a test, are not.
  RecordWriter& Raw(std::string_view bytes);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads them back. After the end, or where a length does not fit, everything is zero and ok() is
/// false.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t Number();
  std::string_view Text();
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

class HandoverLog {
 public:
  /// The place of a record; size 0: none.
  struct Place {
    std::uint32_t area = 0;
    std::uint32_t size = 0;
    std::uint64_t at = 0;
  };

  /// `memory` outlives the log.
  explicit HandoverLog(const HandoverMemory& memory);

  Place Add(const RecordWriter& record);
  /// Between BeginCopy() and EndCopy(): adds the record that lay there before the copy began. Size
  /// 0 if it does not lie there: Add() it.
  Place AddAgain(const Place& place);
  /// All that was added counts from now on. True if the log has grown too long, or is full:
  /// BeginCopy(), Add() the whole present state, EndCopy(). While not even a copy fits, the memory
  /// is `lost`.
  bool Commit();
  /// Before BeginCopy(), without the lock: writes these records to the other area, so that
  /// AddAgain() finds them there. None of them is changed by anybody.
  void Carry(const std::vector<Place>& places);
  void BeginCopy();
  void EndCopy();
  /// After EndCopy(), without the lock: gives the pages of the area that does not count back.
  void ClearOther() const;

  std::uint64_t used() const { return used_; }
  /// Something had no room: the next daemon could not go on with this.
  bool lost() const { return memory_.header().lost != 0; }

  /// Calls back with each record that counts, in their order. kFailedPrecondition if one is
  /// damaged.
  Status Read(const std::function<Status(RecordReader, const Place&)>& each) const;

  /// Nothing was ever committed.
  bool empty() const;

 private:
  Place Append(std::string_view record);

  const HandoverMemory& memory_;
  std::uint32_t area_;         // that is written to
  std::uint64_t used_ = 0;     // of it, with what is not committed yet
  std::uint64_t compact_ = 0;  // bytes of the last copy
  bool full_ = false;          // something had no room, so what is written does not count
  int until_copy_ = 0;         // commits, while full_
  std::map<std::uint64_t, Place> carried_;  // by where they lay
  std::uint64_t carried_bytes_ = 0;
};

}  // namespace downwardfs
