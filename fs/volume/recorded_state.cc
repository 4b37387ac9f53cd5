// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/recorded_state.h"

#include <algorithm>
#include <utility>

#include "fs/fuse/request_in_work.h"
#include "fs/volume/handover_checks.h"

namespace downwardfs {
namespace {

RecordWriter ArmedRecord(const TreeChange& change) {
  return StartRecord(Record::kArmed)
      .Number(static_cast<std::uint64_t>(change.kind))
      .Number(change.inode)
      .Text(change.name)
      .Text(change.new_name);
}

RecordWriter DoneRecord(std::size_t slot, const RecordedState::Done& done) {
  return StartRecord(Record::kDone).Number(slot).Number(done.unique).Number(done.counted);
}

}  // namespace

Edit::~Edit() {
  if (!state_.on()) return;
  state_.NoteDone(counted_);
  state_.Commit();
}

void RecordedState::Arm(TreeChange change) {
  Edit edit(*this);
  armed_ = std::move(change);
  if (on()) edit.Add(ArmedRecord(armed_));
}

// For the request that the calling thread works on, if any (request_in_work.h).
void RecordedState::NoteDone(std::uint64_t counted) {
  const auto [slot, unique] = request_in_work;
  if (unique == 0) return;
  if (done_.size() <= slot) done_.resize(slot + 1);
  done_[slot] = {unique, counted};
  log_->Add(DoneRecord(slot, done_[slot]));
}

void RecordedState::Commit() {
  if (!log_->Commit() || copy_asked_) return;
  if (copy_later_) {
    copy_asked_ = true;
    return copy_later_();
  }
  FinishCopy();
  log_->ClearOther();
}

std::vector<HandoverLog::Place> RecordedState::BeginCopy() {
  std::vector<HandoverLog::Place> places;
  for (RecordedPart* part : parts_) part->AddLarge(places);
  return places;
}

void RecordedState::FinishCopy() {
  copy_asked_ = false;
  log_->BeginCopy();
  for (RecordedPart* part : parts_) part->Copy(*log_);
  log_->Add(ArmedRecord(armed_));
  for (std::size_t slot = 0; slot < done_.size(); ++slot) log_->Add(DoneRecord(slot, done_[slot]));
  log_->EndCopy();
}

Status RecordedState::Read(const HandoverLog& log) {
  if (log.empty()) return {};
  for (RecordedPart* part : parts_) part->Clear();
  auto read = log.Read([this](RecordReader reader, const HandoverLog::Place& place) -> Status {
    const auto record = static_cast<Record>(reader.Number());
    bool known = false;
    if (auto done = ReadOwn(record, reader, known); !done) return done;
    for (RecordedPart* part : parts_) {
      if (auto done = part->Read(record, reader, place, known); !done) return done;
    }
    if (!known) return DamagedMemory("an unknown record");
    return {};
  });
  if (read) {
    for (RecordedPart* part : parts_) part->FinishReading();
  }
  before_ = done_;  // all so far was done by the daemon before us
  return read;
}

Status RecordedState::ReadOwn(Record record, RecordReader& reader, bool& known) {
  if (record == Record::kArmed) {
    known = true;
    const std::uint64_t kind = reader.Number();
    if (kind > static_cast<std::uint64_t>(TreeChange::Kind::kSetAttributes)) {
      return DamagedMemory("a change of an unknown kind");
    }
    armed_.kind = static_cast<TreeChange::Kind>(kind);
    armed_.inode = reader.Number();
    armed_.name = reader.Text();
    armed_.new_name = reader.Text();
    for (const std::string& name : {armed_.name, armed_.new_name}) {
      if (!name.empty() && !IsFileName(name)) return DamagedMemory("a change of no file's name");
    }
  } else if (record == Record::kDone) {
    known = true;
    const std::uint64_t slot = reader.Number();
    if (slot >= kMaxSlots) return DamagedMemory("a slot");
    if (done_.size() <= slot) done_.resize(slot + 1);
    done_[slot].unique = reader.Number();
    done_[slot].counted = reader.Number();
  }
  if (!reader.ok()) return DamagedMemory("a short record");
  return {};
}

std::optional<RecordedState::Done> RecordedState::DoneBefore(std::uint64_t unique) const {
  const auto done = std::find_if(before_.begin(), before_.end(),
                                 [&](const Done& each) { return each.unique == unique; });
  if (unique == 0 || done == before_.end()) return std::nullopt;
  return *done;
}

void RecordedState::TakeBack(Edit& edit, std::uint64_t unique) {
  for (std::size_t slot = 0; slot < before_.size(); ++slot) {
    if (before_[slot].unique != unique) continue;
    before_[slot] = {};
    if (done_[slot].unique != unique) continue;  // the slot is in use again
    done_[slot] = {};
    if (edit.on()) edit.Add(DoneRecord(slot, done_[slot]));
  }
}

}  // namespace downwardfs
