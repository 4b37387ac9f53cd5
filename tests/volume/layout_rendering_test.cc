// SPDX-License-Identifier: Apache-2.0
// Contents are rendered with no lock of the layout held (requests wait for it), and only when
// somebody needs them. The renderer of these versions asks the layout itself, which would hang.
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "fs/volume/kubelet_layout.h"
#include "fs/volume/live_layout.h"

namespace downwardfs {
namespace {

template <class Layout>
class LayoutRenderingTest : public ::testing::Test {
 protected:
  VolumeVersionPtr Version(int number) {
    auto contents = std::make_shared<FileContents>(FileContents::Bytes{"", ""}, [this, number] {
      layout_.GetStats();
      ++rendered_;
      return FileContents::Bytes{std::to_string(number), "same"};
    });
    contents->DropUnlessRead();
    return VolumeVersion::Make({{"a", "", 0644, "s", ""}, {"b", "", 0644, "s", ""}}, contents,
                               "..v" + std::to_string(number), std::chrono::system_clock::now());
  }
  void Show(KubeletLayout& layout, int number) { layout.Show(layout.Stage(Version(number), "")); }
  void Show(LiveLayout& layout, int number) { layout.ShowNames(layout.Stage(Version(number), "")); }
  InodeId Directory(KubeletLayout& layout) {
    return layout.Lookup(kRootInode, layout.GetStats().data_dir)->id;
  }
  InodeId Directory(LiveLayout&) { return kRootInode; }

  const OwnedFd fd_ = *HandoverMemory::Create();
  const HandoverMemory memory_ = *HandoverMemory::Map(fd_.get());
  Layout layout_{Ownership{}, std::chrono::system_clock::now()};
  int rendered_ = 0;
};
using Layouts = ::testing::Types<KubeletLayout, LiveLayout>;
TYPED_TEST_SUITE(LayoutRenderingTest, Layouts);

TYPED_TEST(LayoutRenderingTest, NoLockIsHeldWhileAContentIsRendered) {
  ASSERT_TRUE(this->layout_.UseLog(std::make_unique<HandoverLog>(this->memory_)));
  for (int number = 1; number <= 3; ++number) {
    this->Show(this->layout_, number);
    const auto found = this->layout_.Lookup(this->Directory(this->layout_), "a");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size, 1u);
    EXPECT_EQ(this->layout_.File(found->id)->content(), std::to_string(number));
    EXPECT_EQ(this->layout_.Attr(found->id)->size, 1u);
  }
  EXPECT_GT(this->rendered_, 0);
}

TYPED_TEST(LayoutRenderingTest, ACopyOfTheLogRendersNothing) {
  ASSERT_TRUE(this->layout_.UseLog(std::make_unique<HandoverLog>(this->memory_)));
  this->Show(this->layout_, 1);
  const int before = this->rendered_;
  const InodeId directory = this->Directory(this->layout_);
  const auto area = this->memory_.header().current.load();
  int copies = 0;
  for (int i = 0; i < 20000 && copies < 3; ++i) {
    if (directory != kRootInode) {
      ASSERT_TRUE(this->layout_.Lookup(kRootInode, this->layout_.GetStats().data_dir));
    } else {
      this->layout_.SetResourceVersion(std::string(100, 'v'));
    }
    copies += this->memory_.header().current != (copies % 2 == 0 ? area : 1 - area) ? 1 : 0;
  }
  EXPECT_EQ(copies, 3);
  EXPECT_EQ(this->rendered_, before);
  // And what was copied is whole.
  TypeParam next(Ownership{}, {});
  ASSERT_TRUE(next.UseLog(std::make_unique<HandoverLog>(this->memory_)));
  const auto found = next.Lookup(directory, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(next.File(found->id)->content(), "1");
}

TYPED_TEST(LayoutRenderingTest, NamesAttributesAndOriginsOfOthersNeedNoContent) {
  this->Show(this->layout_, 1);
  const int before = this->rendered_;
  const InodeId directory = this->Directory(this->layout_);
  const auto names = this->layout_.List(directory, 0, true);
  ASSERT_TRUE(names);
  EXPECT_EQ(this->layout_.OriginOf(names->back().id)->source, "s");
  EXPECT_TRUE(this->layout_.Attr(directory));
  EXPECT_EQ(this->rendered_, before);
}

// As many names as an items file can have: a name is found by an index, not by a look at each.
TYPED_TEST(LayoutRenderingTest, AVolumeOfManyFilesIsShownAndLookedUp) {
  constexpr int kFiles = 300000;
  std::vector<ProjectedFile> files;
  files.reserve(kFiles);
  for (int i = 0; i < kFiles; ++i) files.push_back({"f" + std::to_string(i), "", 0644, "s", ""});
  const auto version = VolumeVersion::Make(files, "..v1", std::chrono::system_clock::now());
  if constexpr (std::is_same_v<TypeParam, KubeletLayout>) {
    this->layout_.Show(this->layout_.Stage(version, ""));
  } else {
    this->layout_.ShowNames(this->layout_.Stage(version, ""));
  }
  int found = 0;
  for (const ProjectedFile& file : files) {
    found += this->layout_.Lookup(kRootInode, file.path) ? 1 : 0;
  }
  EXPECT_EQ(found, kFiles);
  EXPECT_FALSE(this->layout_.Lookup(kRootInode, "f"));
}

}  // namespace
}  // namespace downwardfs
