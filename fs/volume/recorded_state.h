// SPDX-License-Identifier: Apache-2.0
//
// State that records itself, so that another process can go on with it. The idea is leveldb's
// VersionEdit: a change is a value, applying it and recording it are one call, and recovery applies
// the same values.
//
//   RecordedState  all that is recorded of a volume: the tables that have registered with it, the
//                  change that is armed, and what was done for each request.
//   Edit           changes that count together. Every change of a table takes one, so no change can
//                  go unrecorded: the edit's end has it counted, with a note for which request it
//                  was, and copies the state when the log has grown too long.
//   Recorded       a table of records by number (recorded_table.h); a value of its own,
//   RecordedValue.
//
// If no log is used (nobody could go on with the mount) nothing is written. Owned by a VolumeLayout
// and used under its mutex.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "fs/fuse/tree_change.h"
#include "fs/volume/handover_log.h"
#include "fs/volume/handover_records.h"

namespace downwardfs {

class Edit;

/// A part of the state: it registers with a RecordedState, and is read back and copied with the
/// rest.
class RecordedPart {
 public:
  virtual ~RecordedPart() = default;
  /// Forgets what it holds, before a log is read.
  virtual void Clear() = 0;
  /// Applies a record as it was applied when it was written. Passes over the records of other parts
  /// (`known` stays as it is); several parts may take the same one.
  virtual Status Read(Record record, RecordReader reader, const HandoverLog::Place& place,
                      bool& known) = 0;
  /// All records are applied: an index is made anew, from what is there in the end. A damaged
  /// memory may have listed two of one name on the way, of which an index knew one.
  virtual void FinishReading() {}
  /// Adds all that it holds.
  virtual void Copy(HandoverLog& log) = 0;
  /// Adds the places of large records that never change, which a copy carries over beforehand.
  virtual void AddLarge(std::vector<HandoverLog::Place>& /*places*/) {}
};

class RecordedState {
 public:
  /// The trace that a request has left: the inode whose lookup it counted, or the open that it made
  /// (kOpenBit). 0: nothing to take back.
  struct Done {
    std::uint64_t unique = 0;
    std::uint64_t counted = 0;
  };
  static constexpr std::uint64_t kOpenBit = std::uint64_t{1} << 63;

  /// `part` lives as long as the state. Parts are read back and copied in this order.
  void Register(RecordedPart& part) { parts_.push_back(&part); }

  /// Takes over what the log holds. Its changes are recorded from Use() on.
  Status Read(const HandoverLog& log);
  void Use(std::unique_ptr<HandoverLog> log) { log_ = std::move(log); }
  bool on() const { return log_ != nullptr; }
  HandoverLog* log() { return log_.get(); }
  const HandoverLog* log() const { return log_.get(); }

  // A copy of the state, when the log has grown too long. Without CopyLater() it is made at once,
  // by whoever holds the lock. With it, `copy_later` is called, under the lock, and must not block;
  // later, on a thread of its own, BeginCopy() under the lock, HandoverLog::Carry() without it,
  // FinishCopy() under it, and HandoverLog::ClearOther() without it.
  void CopyLater(std::function<void()> copy_later) { copy_later_ = std::move(copy_later); }
  std::vector<HandoverLog::Place> BeginCopy();
  void FinishCopy();

  void Arm(TreeChange change);
  const TreeChange& armed() const { return armed_; }

  /// The trace that this request has left in the daemon before us, if any.
  std::optional<Done> DoneBefore(std::uint64_t unique) const;
  /// It is taken back, once.
  void TakeBack(Edit& edit, std::uint64_t unique);

 private:
  friend class Edit;
  Status ReadOwn(Record record, RecordReader& reader, bool& known);
  void NoteDone(std::uint64_t counted);
  void Commit();

  std::unique_ptr<HandoverLog> log_;
  std::function<void()> copy_later_;  // none: at once
  bool copy_asked_ = false;
  std::vector<RecordedPart*> parts_;
  TreeChange armed_;
  std::vector<Done> done_;    // by slot
  std::vector<Done> before_;  // of the daemon before us
};

/// See above. Made under the layout's lock, and ended before it is released; they do not nest.
class Edit {
 public:
  explicit Edit(RecordedState& state) : state_(state) {}
  ~Edit();
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;

  /// The request in work has counted a lookup of this inode, or made this open (kOpenBit).
  void Counted(std::uint64_t what) { counted_ = what; }

  bool on() const { return state_.on(); }
  HandoverLog::Place Add(const RecordWriter& record) { return state_.log_->Add(record); }

 private:
  RecordedState& state_;
  std::uint64_t counted_ = 0;
};

}  // namespace downwardfs
