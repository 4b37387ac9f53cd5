// SPDX-License-Identifier: Apache-2.0
// The user that a process becomes: no text leads to another one than it says, or to none.
#include "mount-helper/privileges.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

TEST(RunAsTest, TwoNumbersAreAUserAndItsGroup) {
  const auto who = ParseRunAs("65532:4294967294");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->uid, 65532U);
  EXPECT_EQ(who->gid, 4294967294U);
  EXPECT_TRUE(ParseRunAs("0:0"));
}

TEST(RunAsTest, ANumberThatMeansAnotherUserIsRefused) {
  for (const char* const text :
       {"", ":", "1", "1:", ":1", "1:2:3", "1:2x", " 1:2", "1: 2", "+1:2", "-1:-1", "0x1:1",
        // 2^32 is root's number again; 2^32 - 1 changes nothing.
        "4294967296:0", "1:4294967296", "4294967295:0", "0:4294967295", "99999999999:1"}) {
    EXPECT_FALSE(ParseRunAs(text)) << text;
  }
}

}  // namespace
}  // namespace downwardfs
