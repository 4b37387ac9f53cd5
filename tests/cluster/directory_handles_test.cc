// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/directory_handles.h"

#include "tests/cluster/cluster_fixture.h"

namespace downwardfs::testing {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> NamesOf(const DirectoryHandles::Listing& listing) {
  std::vector<std::string> names;
  for (const TreeName& name : *listing) names.push_back(name.name);
  return names;
}

TEST_F(ClusterTest, AListingThatWasBegunStaysAsItWas) {
  PutPod("a", {.uid = "1"});
  PutPod("b", {.uid = "2"});
  DirectoryHandles handles(tree_);
  const auto handle = handles.Open(Walk("namespaces/default/pods"));
  ASSERT_NE(handle, 0U);
  EXPECT_THAT(NamesOf(handles.Read(handle, 0)), ElementsAre(".", "..", "a", "b"));
  DeletePod("a");
  PutPod("c", {.uid = "3"});
  EXPECT_THAT(NamesOf(handles.Read(handle, 3)), ElementsAre(".", "..", "a", "b"));
  // rewinddir(3)
  EXPECT_THAT(NamesOf(handles.Read(handle, 0)), ElementsAre(".", "..", "b", "c"));
  handles.Close(handle);
  EXPECT_EQ(handles.size(), 0U);
  EXPECT_EQ(handles.Read(handle, 0), nullptr);
}

TEST_F(ClusterTest, ADirectoryThatIsGoneIsNotOpened) {
  PutPod("web");
  DirectoryHandles handles(tree_);
  const NodeId pod = Walk("namespaces/default/pods/web");
  const auto handle = handles.Open(pod);
  DeletePod("web");
  EXPECT_EQ(handles.Open(pod), 0U);
  EXPECT_THAT(NamesOf(handles.Read(handle, 0)), ElementsAre(".", ".."));
}

}  // namespace
}  // namespace downwardfs::testing
