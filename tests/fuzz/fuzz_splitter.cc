// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the stream splitters and the object decoder. The first byte chooses list or watch, the
// second the chunk size; the rest is the body. Beside not crashing: the outcome must not depend on
// the chunks, and what is kept of an object must be an object again, and the same, when read again.
// Built as a libFuzzer target with DOWNWARDFS_FUZZ=ON, and into a test that replays the corpus.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client/wire/splitter.h"

namespace downwardfs::client {
namespace {

const TypeHint kHint{"Pod", "v1"};
constexpr SplitterLimits kLimits{.object_bytes = 4096, .envelope_bytes = 1024};

void Check(bool condition) {
  if (!condition) std::abort();
}

// The kept form is a fixed point of the decoder.
void CheckKept(const ObjectView& view) {
  std::string padded(view.json);
  padded.append(ObjectDecoder::kPadding, ' ');
  ObjectDecoder decoder;
  const auto again = decoder.Decode(std::string_view(padded).substr(0, view.json.size()), kHint);
  Check(again.has_value());
  Check(again->name == view.name && again->uid == view.uid);
}

void Note(const ObjectView& view, std::string* transcript) {
  transcript->append(view.name).append("|").append(view.json).append("\n");
  CheckKept(view);
}

std::string RunList(std::string_view body, std::size_t chunk) {
  std::string transcript;
  ListSplitter splitter(
      kHint,
      [&](const ObjectView& view) -> Status {
        Note(view, &transcript);
        return {};
      },
      kLimits);
  for (std::size_t at = 0; at < body.size(); at += chunk)
    (void)splitter.Feed(body.substr(at, chunk));
  const auto meta = splitter.Finish();
  return transcript + (meta ? meta->resource_version + meta->continue_token : meta.error().message);
}

std::string RunWatch(std::string_view body, std::size_t chunk) {
  std::string transcript;
  WatchSplitter splitter(
      kHint,
      [&](const WatchEvent& event) -> Status {
        transcript += std::to_string(static_cast<int>(event.type));
        Note(event.object, &transcript);
        return {};
      },
      kLimits);
  for (std::size_t at = 0; at < body.size(); at += chunk)
    (void)splitter.Feed(body.substr(at, chunk));
  const Status done = splitter.Finish();
  return transcript + (done ? "end" : done.error().message);
}

}  // namespace
}  // namespace downwardfs::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace downwardfs::client;
  if (size < 2) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto run = data[0] % 2 == 0 ? RunList : RunWatch;
  const std::size_t chunk = data[1] % 64 + 1U;
  Check(run(body, chunk) == run(body, body.size() + 1));
  return 0;
}
