// SPDX-License-Identifier: Apache-2.0
// A limit of a volume's bytes is checked before the cost: nothing is rendered after it is passed.
#include <gmock/gmock.h>

#include "fs/projection/projector.h"

namespace downwardfs {
namespace {

using ::testing::HasSubstr;

ProjectionInput PodWithLabel(std::size_t size) {
  ProjectionInput input;
  input.pod =
      *Document::Parse(R"({"metadata":{"name":"web","labels":{"big":")" + std::string(size, 'x') +
                       R"("}},"spec":{"containers":[{"name":"main"}]}})");
  return input;
}

VolumeView Labels(int count, std::size_t most) {
  VolumeView view;
  view.kind = VolumeView::Kind::kItems;
  for (int i = 0; i < count; ++i) {
    Item item;
    item.path = "p" + std::to_string(i);
    item.field_ref = FieldRef{"v1", "metadata.labels['big']"};
    view.items.items.push_back(std::move(item));
  }
  view.most_bytes = most;
  return view;
}

TEST(ProjectionLimitTest, TheFilesMayHaveJustSoManyBytes) {
  const ProjectionInput input = PodWithLabel(100);
  EXPECT_TRUE(ProjectView(Labels(10, 1000), input));
  const auto refused = ProjectView(Labels(11, 1000), input);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(refused.error().message,
              HasSubstr("items[10] \"p10\": the volume's files have more than 1000 bytes"));
}

}  // namespace
}  // namespace downwardfs
