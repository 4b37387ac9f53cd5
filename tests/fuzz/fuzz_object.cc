// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the object decoder by itself, which the splitters' fuzzer reaches only with bytes whose
// brackets match. The first byte chooses what the rest is read as: an object, a watch event or the
// envelope of a list. Beside not crashing: what is kept of an object is an object with the
// same fields (a second managedFields, which JSON allows and no server sends, may go then), and a
// decoder that has read something else before answers as a new one does.
// Built as a libFuzzer target with DOWNWARDFS_FUZZ=ON, and into a test that replays the corpus.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client/wire/object_decoder.h"

namespace downwardfs::client {
namespace {

const TypeHint kHint{"Pod", "v1"};

void Check(bool condition) {
  if (!condition) std::abort();
}

// Bytes with the padding that the decoder asks for, in an allocation of exactly that size, so that
// a read beyond it is found.
class Padded {
 public:
  explicit Padded(std::string_view json) : bytes_(json), size_(json.size()) {
    bytes_.append(ObjectDecoder::kPadding, ' ');
    bytes_.shrink_to_fit();
  }
  std::string_view json() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::string bytes_;
  std::size_t size_;
};

std::string Fields(const ObjectView& view) {
  std::string text;
  for (const std::string_view field :
       {view.kind, view.api_version, view.ns, view.name, view.uid, view.resource_version}) {
    text.append(field).append("\n");
  }
  return text + (view.initial_events_end ? "end" : "");
}

std::string ReadObject(ObjectDecoder* decoder, std::string_view json) {
  const auto view = decoder->Decode(json, kHint);
  if (!view) return view.error().message;
  std::string fields = Fields(*view);
  const Padded kept(view->json);
  ObjectDecoder other;
  const auto again = other.Decode(kept.json(), kHint);
  Check(again && Fields(*again) == fields && again->json.size() <= view->json.size());
  return fields + std::string(view->json);
}

std::string ReadEvent(ObjectDecoder* decoder, std::string_view json) {
  const auto event = decoder->DecodeEvent(json, kHint);
  return event ? std::string(event->type) + Fields(event->object) + std::string(event->object.json)
               : event.error().message;
}

std::string ReadEnvelope(ObjectDecoder* decoder, std::string_view json) {
  const auto envelope = decoder->DecodeEnvelope(json);
  if (!envelope) return envelope.error().message;
  return envelope->kind + envelope->api_version + envelope->resource_version +
         envelope->continue_token;
}

}  // namespace
}  // namespace downwardfs::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace downwardfs::client;
  if (size < 1) return 0;
  const Padded input({reinterpret_cast<const char*>(data) + 1, size - 1});
  constexpr std::string (*kReaders[])(ObjectDecoder*, std::string_view) = {ReadObject, ReadEvent,
                                                                           ReadEnvelope};
  const auto read = kReaders[data[0] % 3];
  static ObjectDecoder used;  // with the remains of earlier inputs
  ObjectDecoder fresh;
  Check(read(&used, input.json()) == read(&fresh, input.json()));
  return 0;
}
