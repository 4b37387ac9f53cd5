// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/directory_handles.h"

#include "tests/cluster/cluster_fixture.h"

namespace downwardfs::testing {
namespace {

std::vector<std::string> NamesOf(const Listing& listing) {
  std::vector<std::string> names;
  for (const DirectoryEntry& name : *listing) names.push_back(name.name);
  return names;
}

TEST_F(ClusterTest, AListingThatWasBegunStaysAsItWas) {
  PutPod("a", {.uid = "1"});
  PutPod("b", {.uid = "2"});
  DirectoryHandles handles(tree_);
  const auto handle = handles.Open(Walk("namespaces/default/pods")).value_or(0);
  ASSERT_NE(handle, 0U);
  EXPECT_THAT(NamesOf(handles.Read(handle, true)), ElementsAre(".", "..", "a", "b"));
  DeletePod("a");
  PutPod("c", {.uid = "3"});
  EXPECT_THAT(NamesOf(handles.Read(handle, false)), ElementsAre(".", "..", "a", "b"));
  // rewinddir(3)
  EXPECT_THAT(NamesOf(handles.Read(handle, true)), ElementsAre(".", "..", "b", "c"));
  handles.Close(handle);
  EXPECT_EQ(handles.size(), 0U);
  EXPECT_EQ(handles.Read(handle, true), nullptr);
}

TEST_F(ClusterTest, ADirectoryThatIsGoneIsNotOpened) {
  PutPod("web");
  DirectoryHandles handles(tree_);
  const InodeId pod = Walk("namespaces/default/pods/web");
  const auto handle = handles.Open(pod).value_or(0);
  DeletePod("web");
  EXPECT_EQ(handles.Open(pod), std::nullopt);
  EXPECT_THAT(NamesOf(handles.Read(handle, true)), ElementsAre(".", ".."));
}

}  // namespace
}  // namespace downwardfs::testing
