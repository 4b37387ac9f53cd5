// SPDX-License-Identifier: Apache-2.0
#include "client/store/packed_object.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace downwardfs::client {
namespace {

class StoredObject final : public Object {
 public:
  StoredObject(PackedObject packed, std::shared_ptr<const ObjectCodec> codec)
      : Object(ObjectMeta{std::string(packed.kind()), std::string(packed.ns()),
                          std::string(packed.name()), std::string(packed.uid()),
                          std::string(packed.resource_version())}),
        packed_(std::move(packed)),
        codec_(packed_.compressed() ? std::move(codec) : nullptr) {}

  std::string Json() const override { return packed_.Json(codec_.get()); }

 private:
  PackedObject packed_;
  std::shared_ptr<const ObjectCodec> codec_;
};

}  // namespace

std::size_t ObjectIdHash::operator()(const ObjectId& id) const {
  const std::hash<std::string_view> hash;
  return (hash(id.name) * 31 + hash(id.ns)) * 31 + hash(id.kind);
}

PackedObject PackedObject::Make(const std::string_view (&fields)[kFields], std::size_t json_size,
                                std::string_view kept) {
  Header header{static_cast<std::uint32_t>(json_size), static_cast<std::uint32_t>(kept.size()), {}};
  std::size_t end = 0;
  for (int i = 0; i < kFields; ++i) {
    // The API server bounds each of these to 253 bytes; a server that does not is cut short.
    end = std::min<std::size_t>(end + fields[i].size(), UINT16_MAX);
    header.ends[i] = static_cast<std::uint16_t>(end);
  }
  auto bytes = std::make_shared<char[]>(sizeof header + end + kept.size());
  std::memcpy(bytes.get(), &header, sizeof header);
  char* at = bytes.get() + sizeof header;
  std::size_t begin = 0;
  for (int i = 0; i < kFields; ++i) {
    std::copy_n(fields[i].data(), header.ends[i] - begin, at + begin);
    begin = header.ends[i];
  }
  std::copy_n(kept.data(), kept.size(), at + end);
  PackedObject packed;
  packed.bytes_ = std::move(bytes);
  return packed;
}

PackedObject PackedObject::Pack(const ObjectView& view, const ObjectCodec* codec) {
  const std::string compressed = codec != nullptr ? codec->Compress(view.json) : std::string();
  return Make({view.kind, view.ns, view.name, view.uid, view.resource_version}, view.json.size(),
              compressed.empty() ? view.json : compressed);
}

PackedObject PackedObject::Compressed(const ObjectCodec& codec) const {
  if (compressed()) return *this;
  const std::string json = Json(nullptr);
  const std::string compressed = codec.Compress(json);
  if (compressed.empty()) return *this;
  return Make({kind(), ns(), name(), uid(), resource_version()}, json.size(), compressed);
}

PackedObject::Header PackedObject::ReadHeader() const {
  Header header;
  std::memcpy(&header, bytes_.get(), sizeof header);
  return header;
}

std::string_view PackedObject::Field(int index) const {
  const Header header = ReadHeader();
  const std::size_t begin = index == 0 ? 0 : header.ends[index - 1];
  return {bytes_.get() + sizeof header + begin, header.ends[index] - begin};
}

std::size_t PackedObject::bytes() const {
  const Header header = ReadHeader();
  return sizeof header + header.ends[kFields - 1] + header.kept_size;
}

bool PackedObject::compressed() const {
  const Header header = ReadHeader();
  return header.json_size != header.kept_size;
}

std::string_view PackedObject::Kept() const {
  const Header header = ReadHeader();
  return {bytes_.get() + sizeof header + header.ends[kFields - 1], header.kept_size};
}

bool PackedObject::SameContent(const PackedObject& other, const ObjectCodec* codec) const {
  if (ReadHeader().json_size != other.ReadHeader().json_size) return false;
  // The same codec makes the same bytes of the same content.
  if (compressed() == other.compressed()) return Kept() == other.Kept();
  return Json(codec) == other.Json(codec);
}

std::string PackedObject::Json(const ObjectCodec* codec) const {
  const Header header = ReadHeader();
  const std::string_view kept = Kept();
  // The caller that made compressed() true hands in the codec that did it.
  if (header.kept_size == header.json_size || codec == nullptr) return std::string(kept);
  return codec->Decompress(kept, header.json_size);
}

ObjectPtr MakeStoredObject(PackedObject packed, std::shared_ptr<const ObjectCodec> codec) {
  return std::make_shared<StoredObject>(std::move(packed), std::move(codec));
}

}  // namespace downwardfs::client
