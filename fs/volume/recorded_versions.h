// SPDX-License-Identifier: Apache-2.0
//
// The immutable versions of a volume, by number, in the handover log. The record of a version holds
// its files' contents. They are rendered for it before the layout's lock is taken (Prepare()),
// since requests wait for that lock; a copy of the log takes the record as it lies there. (One that
// does not lie there, because the log had no room for it, is rendered for the copy.)
//
// Used under the mutex of the layout that owns it; Prepare() by any thread, without it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "fs/volume/recorded_state.h"

namespace downwardfs {

class RecordedVersions final : public RecordedPart {
 public:
  struct Records {
    Record version;
    Record gone;
  };
  /// `state` outlives it.
  RecordedVersions(RecordedState& state, Records records);
  RecordedVersions(const RecordedVersions&) = delete;
  RecordedVersions& operator=(const RecordedVersions&) = delete;

  /// A version and what its record will hold after its number.
  struct Prepared {
    VolumeVersionPtr version;
    RecordWriter bytes;
  };
  static Prepared Prepare(VolumeVersionPtr version);

  struct Held {
    VolumeVersionPtr version;
    HandoverLog::Place place;
    std::uint64_t bytes = 0;  ///< of its record
  };
  const std::map<std::uint64_t, Held>& all() const { return versions_; }
  /// Null if it is missing.
  VolumeVersionPtr Find(std::uint64_t id) const;
  /// Of the records of all versions; 0 where nothing is recorded.
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t BytesOf(std::uint64_t id) const;

  void Put(Edit& edit, std::uint64_t id, const Prepared& prepared);
  void Erase(Edit& edit, std::uint64_t id);

  void Clear() override {
    versions_.clear();
    bytes_ = 0;
  }
  Status Read(Record record, RecordReader reader, const HandoverLog::Place& place,
              bool& known) override;
  void Copy(HandoverLog& log) override;
  void AddLarge(std::vector<HandoverLog::Place>& places) override;

 private:
  const Records records_;
  std::map<std::uint64_t, Held> versions_;
  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> carried_;  // by the copy that is under way
};

}  // namespace downwardfs
