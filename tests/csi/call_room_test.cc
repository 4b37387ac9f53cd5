// SPDX-License-Identifier: Apache-2.0
// The room for publishes that are under way (csi/call_room.h).
#include "csi/call_room.h"

#include <gmock/gmock.h>

#include <optional>
#include <utility>

namespace downwardfs::testing {
namespace {

using ::testing::HasSubstr;

constexpr CallRoom::Limits kSmall = {.calls = 2, .bytes = 100};

TEST(CallRoomTest, NoMoreCallsThanItHasRoomFor) {
  CallRoom room(kSmall);
  std::optional<Result<CallRoom::Seat>> first(room.Enter(1));
  const auto second = room.Enter(1);
  ASSERT_TRUE(*first && second);
  const auto third = room.Enter(1);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(third.error().message, HasSubstr("2 publishes are under way"));
  first.reset();
  EXPECT_TRUE(room.Enter(1));
}

TEST(CallRoomTest, NoMoreBytesThanItHasRoomFor) {
  CallRoom room(kSmall);
  const auto first = room.Enter(60);
  ASSERT_TRUE(first);
  for (const std::size_t bytes : {std::size_t{41}, std::size_t{101}, ~std::size_t{0}}) {
    const auto other = room.Enter(bytes);
    ASSERT_FALSE(other) << bytes;
    EXPECT_THAT(other.error().message, HasSubstr("more than 100 bytes together"));
  }
  EXPECT_TRUE(room.Enter(40));
}

TEST(CallRoomTest, ASeatThatIsMovedIsGivenBackOnce) {
  CallRoom room(kSmall);
  for (int i = 0; i < 3; ++i) {
    auto seat = room.Enter(100);
    ASSERT_TRUE(seat) << i;
    const CallRoom::Seat kept = std::move(*seat);
    EXPECT_FALSE(room.Enter(1)) << i;
  }
}

}  // namespace
}  // namespace downwardfs::testing
