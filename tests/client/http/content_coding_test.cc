// SPDX-License-Identifier: Apache-2.0
// Which codings of an answer are read.
#include "client/http/content_coding.h"

#include <gtest/gtest.h>

namespace downwardfs::client {
namespace {

TEST(ContentCodingTest, GzipAndNothingElse) {
  for (const auto& fields : std::vector<std::vector<std::string_view>>{
           {}, {""}, {"identity"}, {" Identity , "}, {"", "identity"}}) {
    EXPECT_EQ(ContentCodingOf(fields).value(), ContentCoding::kIdentity);
  }
  for (const auto& fields : std::vector<std::vector<std::string_view>>{
           {"gzip"}, {"GZip"}, {" gzip\t"}, {"gzip", "identity"}, {"identity, gzip"}}) {
    EXPECT_EQ(ContentCodingOf(fields).value(), ContentCoding::kGzip);
  }
  for (const auto& fields : std::vector<std::vector<std::string_view>>{{"br"},
                                                                       {"zstd"},
                                                                       {"deflate"},
                                                                       {"x-gzip"},
                                                                       {"gzip, gzip"},
                                                                       {"gzip", "gzip"},
                                                                       {"br,gzip"},
                                                                       {"gzipx"},
                                                                       {"gzi"}}) {
    const auto refused = ContentCodingOf(fields);
    ASSERT_FALSE(refused) << fields[0];
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_EQ(ContentCodingOf({"br", "gzip"}).error().message,
            "its Content-Encoding is \"br, gzip\", and gzip is the only one that was offered; look "
            "for a proxy that compresses");
}

TEST(ContentCodingTest, ChunkedIsTheOnlyTransferCoding) {
  EXPECT_TRUE(CheckTransferCoding({}));
  EXPECT_TRUE(CheckTransferCoding({"Chunked"}));
  for (const std::string_view other : {"gzip, chunked", "gzip", "deflate", "identity"}) {
    EXPECT_FALSE(CheckTransferCoding({other})) << other;
  }
}

}  // namespace
}  // namespace downwardfs::client
