// SPDX-License-Identifier: Apache-2.0
//
// One object as the store keeps it: a single allocation with the indexed fields and the JSON, raw
// or compressed. An ObjectMeta of five strings would cost 300 bytes per pod before its first byte
// of JSON; this costs about 60. Readers get a StoredObject, made when they ask, which shares these
// bytes. Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/object_source.h"
#include "client/store/object_codec.h"
#include "client/wire/object_decoder.h"

namespace downwardfs::client {

/// Names one object in the store. Views into a PackedObject or into a caller's strings.
struct ObjectId {
  std::string_view kind;
  std::string_view ns;
  std::string_view name;

  bool operator==(const ObjectId&) const = default;
};

struct ObjectIdHash {
  std::size_t operator()(const ObjectId& id) const;
};

/// A shared handle to the packed bytes.
class PackedObject {
 public:
  PackedObject() = default;

  /// Packs `view`, compressed where `codec` is given and it helps.
  static PackedObject Pack(const ObjectView& view, const ObjectCodec* codec);

  explicit operator bool() const { return bytes_ != nullptr; }

  std::string_view kind() const { return Field(0); }
  std::string_view ns() const { return Field(1); }
  std::string_view name() const { return Field(2); }
  std::string_view uid() const { return Field(3); }
  std::string_view resource_version() const { return Field(4); }
  ObjectId id() const { return {kind(), ns(), name()}; }

  /// The memory that it takes.
  std::size_t bytes() const;
  /// True if Json() needs the codec that Pack() was given.
  bool compressed() const;
  std::string Json(const ObjectCodec* codec) const;

  /// True if the JSON is the same, byte by byte. `codec`: of all that is compressed.
  bool SameContent(const PackedObject& other, const ObjectCodec* codec) const;

  /// The same object, compressed: when the codec comes later than the object.
  PackedObject Compressed(const ObjectCodec& codec) const;

 private:
  static constexpr int kFields = 5;
  struct Header {
    std::uint32_t json_size;  // uncompressed
    std::uint32_t kept_size;  // equal: not compressed
    std::uint16_t ends[kFields];
  };

  static PackedObject Make(const std::string_view (&fields)[kFields], std::size_t json_size,
                           std::string_view kept);
  Header ReadHeader() const;
  std::string_view Kept() const;
  std::string_view Field(int index) const;

  std::shared_ptr<const char[]> bytes_;
};

/// The object as a reader holds it.
ObjectPtr MakeStoredObject(PackedObject packed, std::shared_ptr<const ObjectCodec> codec);

}  // namespace downwardfs::client
