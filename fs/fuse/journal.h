// SPDX-License-Identifier: Apache-2.0
//
// Writes what the kernel may still refer to into the handover memory, as records that a later
// daemon of the same mount reads back. A record says what something is now, not what happened to
// it, so the last one of each thing counts and a copy of the present state is a log of its own.
//
// The owner of the state (VersionedNodes) calls it under its own lock: Add() any number of records,
// then Commit(), which makes all of them count at once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mount-helper/handover_memory.h"

namespace downwardfs {

/// Appends numbers and texts to a record: little-endian, as the machine has them.
class RecordWriter {
 public:
  RecordWriter& Number(std::uint64_t value);
  RecordWriter& Text(std::string_view text);
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

class Journal {
 public:
  /// `memory` outlives the journal.
  explicit Journal(const HandoverMemory& memory);

  void Add(const RecordWriter& record);
  /// What was added counts from now on. True where the log has grown too long, or full:
  /// BeginCopy(), Add() the whole present state, EndCopy(). While not even a copy fits, the memory
  /// is `lost`.
  bool Commit();
  void BeginCopy();
  void EndCopy();

  /// Calls back with each record that counts, in their order. kFailedPrecondition where one is
  /// damaged.
  Status Read(const std::function<Status(RecordReader)>& each) const;

  /// Nothing was ever committed.
  bool empty() const;

 private:
  void Append(std::uint32_t area, const std::string& record);

  const HandoverMemory& memory_;
  std::uint32_t area_;         // that is written to
  std::uint64_t used_ = 0;     // of it, with what is not committed yet
  std::uint64_t compact_ = 0;  // bytes of the last copy
  bool full_ = false;          // something had no room, so what is written does not count
  int until_copy_ = 0;         // commits, while full_
};

}  // namespace downwardfs
