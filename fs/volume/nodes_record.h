// SPDX-License-Identifier: Apache-2.0
//
// What the nodes of either layout record beside their own state: the change that is armed, and what
// was done of the requests that may not have been answered (docs/handover.md). Without a journal
// all of it does nothing. Used under the lock of the nodes that own it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "fs/fuse/journal.h"
#include "fs/fuse/tree_change.h"
#include "fs/volume/volume_version.h"

namespace downwardfs {

class NodesRecord {
 public:
  /// The kinds of records that are read and written here; others are their owner's.
  static constexpr std::uint64_t kArmed = 6;  // kind, node, name, new name
  static constexpr std::uint64_t kDone = 7;   // slot, unique, counted

  /// What a request has left behind: the node whose lookup it counted, or the number of the open
  /// that it made.
  struct Done {
    std::uint64_t unique = 0;
    std::uint64_t counted = 0;
  };

  void Use(std::unique_ptr<Journal> journal) { journal_ = std::move(journal); }
  bool on() const { return journal_ != nullptr; }

  void Add(const RecordWriter& record) {
    if (journal_) journal_->Add(record);
  }
  /// What was added counts. True: BeginCopy(), add everything, EndCopy().
  bool Commit() { return journal_ && journal_->Commit(); }
  void BeginCopy() { journal_->BeginCopy(); }
  void EndCopy() { journal_->EndCopy(); }

  void SaveArmed(const TreeChange& change);
  /// For the request that the calling thread works on, if any (request_in_work.h).
  void SaveDone(std::uint64_t counted);
  void SaveAll();

  /// Takes a record of these kinds; false where it is damaged. `kind` has been read.
  bool Load(std::uint64_t kind, RecordReader& record);
  /// All has been read: what was done so far was done by the daemon before us.
  void Loaded() { before_ = done_; }
  const TreeChange& armed() const { return armed_; }

  /// What the daemon before us has done for this request, if it has.
  std::optional<Done> DoneBefore(std::uint64_t unique) const;
  /// It is taken back, once.
  void TakeBack(std::uint64_t unique);

 private:
  std::unique_ptr<Journal> journal_;
  TreeChange armed_;
  std::vector<Done> done_;  // by slot
  std::vector<Done> before_;
};

/// Adds to the journal of `nodes` as long as it lives, and has it counted when it goes. Made under
/// the lock.
template <class Nodes>
class Saving {
 public:
  explicit Saving(Nodes& nodes) : nodes_(nodes) {}
  ~Saving() { nodes_.EndSaving(); }
  Saving(const Saving&) = delete;
  Saving& operator=(const Saving&) = delete;

 private:
  Nodes& nodes_;
};

tl::unexpected<Error> DamagedMemory(const std::string& what);

/// A version as a record holds it: created, data directory, files.
void AppendVersion(RecordWriter& record, const VolumeVersion& version);
/// Null where it is damaged.
VolumeVersionPtr ReadVersion(RecordReader& record);

std::uint64_t ToNanoseconds(std::chrono::system_clock::time_point time);
std::chrono::system_clock::time_point FromNanoseconds(std::uint64_t nanoseconds);

}  // namespace downwardfs
