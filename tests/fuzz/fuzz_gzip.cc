// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the decoder of compressed answers, with the watch splitter behind it as in the transport.
// The first byte chooses how the rest is taken, the second is the chunk size:
// - even: the rest are the body's bytes as they come. The outcome must not depend on the chunks; no
//   block is larger than its limit, and no more comes out than the bound allows.
// - odd: the third byte is a size; the rest is cut into pieces of it, each compressed as a member.
//   Exactly those bytes must come out, and the body must not be whole if a byte is missing.
// Built as a libFuzzer target with DOWNWARDFS_FUZZ=ON, and into a test that replays the corpus.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client/http/gzip_decoder.h"
#include "client/wire/splitter.h"
#include "tests/support/gzip.h"

namespace downwardfs::client {
namespace {

constexpr GzipDecoder::Limits kLimits{.ratio = 100, .burst = 65536, .block = 1024};

void Check(bool condition) {
  if (!condition) std::abort();
}

struct Outcome {
  std::string bytes;
  std::string transcript;
  std::string error;
  bool too_large = false;
};

Outcome Decode(std::string_view body, std::size_t chunk, GzipDecoder::Limits limits) {
  Outcome outcome;
  GzipDecoder decoder(limits);
  WatchSplitter splitter(
      {"Pod", "v1"},
      [&](const WatchEvent& event) -> Status {
        outcome.transcript.append(event.object.name).append(event.object.json).append("\n");
        return {};
      },
      {.object_bytes = 65536, .envelope_bytes = 1024});
  std::string split_error;
  const auto sink = [&](std::string_view out) -> Status {
    Check(!out.empty() && out.size() <= limits.block);
    outcome.bytes += out;
    if (!split_error.empty()) return {};  // it would say the same for each block
    if (auto split = splitter.Feed(out); !split) split_error = split.error().message;
    return {};
  };
  Status done;
  for (std::size_t at = 0; at < body.size() && done; at += chunk) {
    done = decoder.Feed(body.substr(at, chunk), sink);
  }
  outcome.transcript += split_error;
  const Status end = decoder.Finish();
  if (!done) {
    Check(!end && end.error().message == done.error().message);  // an error is final
    const std::size_t size = outcome.bytes.size();
    Check(!decoder.Feed("more", sink) && outcome.bytes.size() == size);
  }
  if (!end) {
    outcome.error = end.error().message;
    outcome.too_large = end.error().code == ErrorCode::kResourceExhausted;
    Check(!outcome.error.empty() && outcome.error.find('\n') == std::string::npos);
  }
  Check(outcome.bytes.size() <= limits.burst + limits.ratio * body.size());
  return outcome;
}

void RunBytes(std::string_view body, std::size_t chunk) {
  const Outcome whole = Decode(body, body.size() + 1, kLimits);
  const Outcome cut = Decode(body, chunk, kLimits);
  // The bound is looked at where a block ends, which depends on the chunks.
  if (whole.too_large || cut.too_large) return;
  Check(whole.bytes == cut.bytes && whole.error == cut.error);
  Check(whole.transcript == cut.transcript);
}

void RunMembers(std::string_view text, std::size_t chunk, std::size_t piece) {
  std::string body;
  for (std::size_t at = 0; at < text.size(); at += piece) body += Gzip(text.substr(at, piece));
  const GzipDecoder::Limits wide{.ratio = 1100, .burst = 1 << 20, .block = 1024};
  const Outcome outcome = Decode(body, chunk, wide);
  Check(outcome.error.empty() && outcome.bytes == text);
  if (body.empty()) return;
  body.pop_back();
  Check(Decode(body, chunk, wide).error.ends_with("ends early"));
}

}  // namespace
}  // namespace downwardfs::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace downwardfs::client;
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t chunk = data[1] % 200 + 1U;
  if (data[0] % 2 == 0) {
    RunBytes(bytes.substr(2), chunk);
  } else {
    RunMembers(bytes.substr(3), chunk, data[2] + 1U);
  }
  return 0;
}
