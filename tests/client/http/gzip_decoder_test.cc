// SPDX-License-Identifier: Apache-2.0
// Compressed bodies: any members, cut anywhere, and what must be refused.
#include "client/http/gzip_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/client/capture.h"
#include "tests/support/gzip.h"

namespace downwardfs::client {
namespace {

struct Decoded {
  std::string bytes;
  std::string error;  ///< empty: it was whole
  ErrorCode code = ErrorCode::kInternal;
  std::size_t largest = 0;  ///< block
};

// In pieces of `chunk` bytes; the first one of `first` bytes, if that is not zero.
Decoded Decode(std::string_view body, std::size_t chunk, std::size_t first = 0,
               GzipDecoder::Limits limits = {}) {
  Decoded decoded;
  GzipDecoder decoder(limits);
  const auto sink = [&](std::string_view out) -> Status {
    decoded.bytes += out;
    decoded.largest = std::max(decoded.largest, out.size());
    return {};
  };
  Status done;
  for (std::size_t at = 0; at < body.size() && done;) {
    const std::size_t size = at == 0 && first > 0 ? first : chunk;
    done = decoder.Feed(body.substr(at, size), sink);
    at += size;
  }
  const Status end = decoder.Finish();
  if (!end) {
    decoded.error = end.error().message;
    decoded.code = end.error().code;
  }
  return decoded;
}

Decoded Whole(std::string_view body) {
  return Decode(body, body.size() + 1);
}

constexpr char kCapture[] = "watchlist-gzip-members-1.37.http";

TEST(GzipDecoderTest, TheCaptureOfAWatchInEveryCutOfTwoPiecesAndByteByByte) {
  const std::string body = CaptureBody(kCapture);
  const Decoded whole = Whole(body);
  ASSERT_EQ(whole.error, "");
  EXPECT_EQ(std::count(whole.bytes.begin(), whole.bytes.end(), '\n'), 5);
  EXPECT_TRUE(whole.bytes.starts_with(R"({"type":"ADDED",)")) << whole.bytes.substr(0, 50);
  for (std::size_t cut = 1; cut < body.size(); ++cut) {
    const Decoded two = Decode(body, body.size(), cut);
    ASSERT_EQ(two.error, "") << cut;
    ASSERT_EQ(two.bytes, whole.bytes) << cut;
  }
  for (const std::size_t chunk : {1U, 2U, 3U, 17U}) {
    const Decoded bytes = Decode(body, chunk);
    EXPECT_EQ(bytes.error, "") << chunk;
    EXPECT_EQ(bytes.bytes, whole.bytes) << chunk;
  }
}

// A watch must show each event as soon as its bytes are there.
TEST(GzipDecoderTest, WhatHasComeIsHandedOnAtOnce) {
  GzipDecoder decoder;
  std::string got;
  const auto sink = [&](std::string_view out) -> Status {
    got += out;
    return {};
  };
  for (const std::string event : {"one\n", "two\n", "three\n"}) {
    got.clear();
    EXPECT_TRUE(decoder.Feed(Gzip(event), sink));
    EXPECT_EQ(got, event);
  }
}

TEST(GzipDecoderTest, EmptyMembersAndEmptyBodies) {
  EXPECT_EQ(Whole("").error, "");
  const std::string body = Gzip("") + Gzip("") + Gzip("a") + Gzip("") + Gzip("b") + Gzip("");
  for (std::size_t chunk = 1; chunk <= body.size(); ++chunk) {
    const Decoded decoded = Decode(body, chunk);
    EXPECT_EQ(decoded.error, "") << chunk;
    EXPECT_EQ(decoded.bytes, "ab") << chunk;
  }
}

TEST(GzipDecoderTest, ABodyThatEndsWithinAMemberIsNotWhole) {
  const std::string first = Gzip("first"), second = Gzip("second");
  const std::string body = first + second;
  for (std::size_t size = 1; size < body.size(); ++size) {
    const Decoded decoded = Whole(std::string_view(body).substr(0, size));
    if (size == first.size()) {
      EXPECT_EQ(decoded.error, "");
      continue;
    }
    EXPECT_EQ(decoded.error,
              size < first.size() ? "gzip member 1 ends early" : "gzip member 2 ends early");
    EXPECT_EQ(decoded.code, ErrorCode::kUnavailable);
  }
}

TEST(GzipDecoderTest, DamageIsSaidInItsOwnWords) {
  const std::string member = Gzip("some text that is long enough to be compressed, compressed");
  std::string checksum = member, length = member, data = member;
  checksum[member.size() - 6] ^= 1;
  length[member.size() - 1] ^= 1;
  data[10] = '\x07';  // a block of no known type
  struct Case {
    std::string body, error;
  };
  const Case cases[] = {
      {"{\"kind\":\"Pod\"}", "it is not gzip, though its Content-Encoding says so"},
      {member + "<html>", "garbage after gzip member 1"},
      {member + std::string(8, '\0'), "garbage after gzip member 1"},
      {member + checksum, "gzip member 2 is damaged: its checksum does not match its content"},
      {length + member, "gzip member 1 is damaged: its length does not match its content"},
      {data, "gzip member 1 is damaged: invalid block type"},
      {"\x1f\x8b\x07\x01\x01", "gzip member 1 is damaged: unknown compression method"},
  };
  for (const Case& one : cases) {
    for (const std::size_t chunk : {std::size_t{1}, one.body.size()}) {
      const Decoded decoded = Decode(one.body, chunk);
      EXPECT_EQ(decoded.error, one.error);
      EXPECT_EQ(decoded.code, ErrorCode::kUnavailable);
    }
  }
}

TEST(GzipDecoderTest, BlocksAreBounded) {
  const std::string text(1'000'000, 'x');
  const Decoded decoded = Whole(Gzip(text));
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(decoded.bytes, text);
  EXPECT_LE(decoded.largest, GzipDecoder::Limits().block);
}

// 200 MiB in 200 KB: it ends where the bound is met.
TEST(GzipDecoderTest, ABombIsGivenUpAtTheBound) {
  const std::string member = Gzip(std::string(20 << 20, ' '));
  std::string bomb;
  for (int i = 0; i < 10; ++i) bomb += member;
  for (const std::size_t chunk : {std::size_t{100}, bomb.size()}) {
    const Decoded decoded = Decode(bomb, chunk);
    EXPECT_EQ(decoded.error,
              "it expands to more than 100 times its compressed size, by more than 32 MiB");
    EXPECT_EQ(decoded.code, ErrorCode::kResourceExhausted);
    EXPECT_LT(decoded.bytes.size(), std::size_t{64} << 20);
  }
}

// An hour of events earns no credit for a bomb.
TEST(GzipDecoderTest, TheBoundForgetsWhatWentWell) {
  const GzipDecoder::Limits limits{.ratio = 10, .burst = 10'000, .block = 1024};
  std::string good;
  for (int i = 0; i < 10'000; ++i) good += std::to_string(i * 7919);
  std::string body;
  for (int i = 0; i < 50; ++i) body += Gzip(good);
  EXPECT_EQ(Decode(body, 1000, 0, limits).error, "");
  EXPECT_NE(Decode(body + Gzip(std::string(20'000, ' ')), 1000, 0, limits).error, "");
}

TEST(GzipDecoderTest, AnErrorOfTheSinkIsFinal) {
  GzipDecoder decoder;
  int calls = 0;
  const auto sink = [&](std::string_view) -> Status {
    ++calls;
    return Fail(ErrorCode::kInvalidArgument, "not taken");
  };
  for (int i = 0; i < 2; ++i) {
    const Status fed = decoder.Feed(Gzip("text"), sink);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().message, "not taken");
  }
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace downwardfs::client
