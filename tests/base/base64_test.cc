// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

TEST(Base64Test, RoundTripsEveryLengthAndByte) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(Base64Encode("hello"), "aGVsbG8=");
  EXPECT_EQ(Base64Decode("aGVs\r\nbG8=\n"), "hello");
}

TEST(Base64Test, RefusesWhatGoRefuses) {
  for (const char* text : {"a", "ab", "abc", "a===", "ab=", "ab=c", "abc=d",
                           "ab==cd==", "====", "aGVsbG8 =", "aGVs_G8=", "abcd=", "abcde==="}) {
    EXPECT_FALSE(Base64Decode(text)) << text;
  }
}

}  // namespace
}  // namespace downwardfs
