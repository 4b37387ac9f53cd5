// SPDX-License-Identifier: Apache-2.0
// The state that a holder hands to the program that takes its place.
#include "mount-helper/holder_state.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

HolderState FullState() {
  HolderState state;
  state.memory = 5;
  state.channel = 6;
  state.device = 7;
  state.view = 8;
  state.publisher_control = 9;
  state.publisher = 1000;
  state.daemon = 1001;
  state.mount_id = 321;
  state.mounted = true;
  state.figures = {4, 3, 200, 300};
  state.file_system = "0:45";
  return state;
}

// Other builds write and read the same.
constexpr char kText[] = "1,5,6,7,8,9,1000,321,1,1001,4,3,200,300,0:45";

TEST(HolderStateTest, TheTextIsTheOneOfTheBuildsBefore) {
  EXPECT_EQ(EncodeHolderState(FullState()), kText);
}

TEST(HolderStateTest, ItArrivesAsItWasSaid) {
  const auto state = ParseHolderState(kText);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->memory, 5);
  EXPECT_EQ(state->channel, 6);
  EXPECT_EQ(state->device, 7);
  EXPECT_EQ(state->view, 8);
  EXPECT_EQ(state->publisher_control, 9);
  EXPECT_EQ(state->publisher, 1000);
  EXPECT_EQ(state->daemon, 1001);
  EXPECT_EQ(state->mount_id, 321);
  EXPECT_TRUE(state->mounted);
  EXPECT_EQ(state->figures.generation, 4u);
  EXPECT_EQ(state->figures.deaths, 3u);
  EXPECT_EQ(state->figures.last_handover_us, 200u);
  EXPECT_EQ(state->figures.longest_handover_us, 300u);
  EXPECT_EQ(state->file_system, "0:45");
  HolderState unknown_id = FullState();
  unknown_id.mount_id = -1;
  EXPECT_EQ(ParseHolderState(EncodeHolderState(unknown_id))->mount_id, -1);
}

TEST(HolderStateTest, AnotherFormatIsRefused) {
  for (const std::string text :
       {"", "1", "2,5,6,7,8,9,1000,321,1,1001,4,3,200,300,0:45", "1,5,6,7,8,9,1000,321,1,1001",
        "1,5,6,7,8,9,1000,321,1,1001,4,3,200,300", "x,5,6,7,8,9,1000,321,1,1001,4,3,200,300,",
        "1,,6,7,8,9,1000,321,1,1001,4,3,200,300,"}) {
    const auto state = ParseHolderState(text);
    ASSERT_FALSE(state) << text;
    EXPECT_EQ(state.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace downwardfs
