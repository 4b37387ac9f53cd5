// SPDX-License-Identifier: Apache-2.0
//
// Tables and values that record each of their changes (recorded_state.h). There is no other way to
// change one: what is read is const, and each change takes the Edit that records it.
//
// A Format says how a value is written and read back, and may keep an index that follows from the
// values, so that what is read back has the same index as what was changed step by step:
//
//   struct Format {
//     using Value = ...;
//     static constexpr Record kRecord = ..., kGone = ...;   // of a table, with the id as number
//     static constexpr char kWhat[] = "a link";             // for the message about a damaged one
//     void Write(RecordWriter& record, const Value& value) const;
//     bool Read(std::uint64_t id, RecordReader& reader, Value& value) const;  // false: damaged
//     static auto Indexed(const Value& value);              // the index depends on it
//     void Index(std::uint64_t id, const Value& value, T before, T now);  // T{}: not in it
//   };
//
// Used under the mutex of the layout that owns them.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "fs/volume/recorded_state.h"

namespace downwardfs {

/// For a Format without an index.
struct NotIndexed {
  template <class Value>
  static bool Indexed(const Value&) {
    return false;
  }
  template <class Value>
  void Index(std::uint64_t, const Value&, bool, bool) {}
};

/// The names of a Format that is in a table: its value, and the records of one and of its end.
template <class Of, Record kOne, Record kEnd>
struct RecordedAs {
  using Value = Of;
  static constexpr Record kRecord = kOne;
  static constexpr Record kGone = kEnd;
};

template <class Format>
class RecordedTable final : public RecordedPart {
 public:
  using Value = typename Format::Value;
  using Map = std::map<std::uint64_t, Value>;

  /// `state` outlives the table.
  explicit RecordedTable(RecordedState& state, Format format = {}) : format_(std::move(format)) {
    state.Register(*this);
  }
  RecordedTable(const RecordedTable&) = delete;
  RecordedTable& operator=(const RecordedTable&) = delete;

  const Map& all() const { return values_; }
  /// Null if it is missing.
  const Value* Find(std::uint64_t id) const {
    const auto at = values_.find(id);
    return at == values_.end() ? nullptr : &at->second;
  }
  const Value& At(std::uint64_t id) const { return values_.at(id); }
  const Format& format() const { return format_; }

  /// Takes a new value in.
  void Put(Edit& edit, std::uint64_t id, Value value) {
    Write(edit, id, Store(id, std::move(value)));
  }

  /// Has `mutate` work on the value, which is there.
  template <class Mutate>
  void Change(Edit& edit, std::uint64_t id, const Mutate& mutate) {
    Value& value = values_.at(id);
    const auto before = Format::Indexed(value);
    mutate(value);
    if (const auto now = Format::Indexed(value); now != before) {
      format_.Index(id, value, before, now);
    }
    Write(edit, id, value);
  }

  void Erase(Edit& edit, std::uint64_t id) {
    Remove(id);
    if (edit.on()) edit.Add(StartRecord(Format::kGone).Number(id));
  }

  void Clear() override {
    while (!values_.empty()) Remove(values_.begin()->first);
  }

  Status Read(Record record, RecordReader reader, const HandoverLog::Place&, bool& known) override {
    if (record != Format::kRecord && record != Format::kGone) return {};
    known = true;
    const std::uint64_t id = reader.Number();
    if (record == Format::kGone) {
      Remove(id);
      return {};
    }
    Value value;
    if (!format_.Read(id, reader, value) || !reader.ok()) return DamagedMemory(Format::kWhat);
    Store(id, std::move(value));
    return {};
  }

  void FinishReading() override {
    for (const auto& [id, value] : values_) LeaveIndex(id, value);
    for (const auto& [id, value] : values_) EnterIndex(id, value);
  }

  void Copy(HandoverLog& log) override {
    for (const auto& [id, value] : values_) log.Add(RecordOf(id, value));
  }

 private:
  RecordWriter RecordOf(std::uint64_t id, const Value& value) const {
    RecordWriter record = StartRecord(Format::kRecord);
    record.Number(id);
    format_.Write(record, value);
    return record;
  }

  void Write(Edit& edit, std::uint64_t id, const Value& value) {
    if (edit.on()) edit.Add(RecordOf(id, value));
  }

  const Value& Store(std::uint64_t id, Value value) {
    Remove(id);
    Value& stored = values_[id] = std::move(value);
    EnterIndex(id, stored);
    return stored;
  }

  void Remove(std::uint64_t id) {
    const auto at = values_.find(id);
    if (at == values_.end()) return;
    LeaveIndex(id, at->second);
    values_.erase(at);
  }

  using Indexed = decltype(Format::Indexed(std::declval<const Value&>()));
  void EnterIndex(std::uint64_t id, const Value& value) {
    if (const auto now = Format::Indexed(value); now != Indexed{}) {
      format_.Index(id, value, Indexed{}, now);
    }
  }
  void LeaveIndex(std::uint64_t id, const Value& value) {
    if (const auto before = Format::Indexed(value); before != Indexed{}) {
      format_.Index(id, value, before, Indexed{});
    }
  }

  Format format_;
  Map values_;
};

/// A value that is always there.
template <class Format>
class RecordedValue final : public RecordedPart {
 public:
  using Value = typename Format::Value;

  RecordedValue(RecordedState& state, Value value) : value_(std::move(value)) {
    state.Register(*this);
  }
  RecordedValue(const RecordedValue&) = delete;
  RecordedValue& operator=(const RecordedValue&) = delete;

  const Value* operator->() const { return &value_; }

  template <class Mutate>
  void Change(Edit& edit, const Mutate& mutate) {
    mutate(value_);
    if (edit.on()) edit.Add(RecordOf());
  }

  void Clear() override {}
  Status Read(Record record, RecordReader reader, const HandoverLog::Place&, bool& known) override {
    if (record != Format::kRecord) return {};
    known = true;
    Format::Read(reader, value_);
    if (!reader.ok()) return DamagedMemory("a short record");
    return {};
  }
  void Copy(HandoverLog& log) override { log.Add(RecordOf()); }

 private:
  RecordWriter RecordOf() const {
    RecordWriter record = StartRecord(Format::kRecord);
    Format::Write(record, value_);
    return record;
  }

  Value value_;
};

}  // namespace downwardfs
