// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/file_contents.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace downwardfs {
namespace {

TEST(FileContentsTest, WithoutARendererTheBytesAreKept) {
  FileContents contents({"a", "bc"});
  contents.DropUnlessRead();
  EXPECT_EQ(contents.kept_bytes(), 3u);
  EXPECT_FALSE(contents.was_read());
  EXPECT_EQ(contents.Read()->at(1), "bc");
}

TEST(FileContentsTest, DroppedBytesAreRenderedForAComparisonAloneAndKeptForAReader) {
  int rendered = 0;
  FileContents contents({"a"}, [&rendered] {
    ++rendered;
    return FileContents::Bytes{"a"};
  });
  EXPECT_EQ(contents.Peek()->at(0), "a");
  EXPECT_EQ(rendered, 0);  // they were at hand
  contents.DropUnlessRead();
  EXPECT_EQ(contents.kept_bytes(), 0u);
  EXPECT_EQ(contents.Peek()->at(0), "a");
  EXPECT_EQ(rendered, 1);
  EXPECT_EQ(contents.kept_bytes(), 0u);
  EXPECT_EQ(contents.Read()->at(0), "a");
  EXPECT_EQ(contents.Read()->at(0), "a");
  EXPECT_EQ(rendered, 2);
  contents.DropUnlessRead();  // somebody has
  EXPECT_EQ(contents.kept_bytes(), 1u);
}

TEST(FileContentsTest, ManyFirstReadersRenderOnce) {
  std::atomic<int> rendered{0};
  FileContents contents({"a"}, [&rendered] {
    ++rendered;
    return FileContents::Bytes{"a"};
  });
  contents.DropUnlessRead();
  std::vector<std::thread> readers;
  for (int i = 0; i < 8; ++i) readers.emplace_back([&] { EXPECT_EQ(contents.Read()->size(), 1u); });
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(rendered, 1);
}

}  // namespace
}  // namespace downwardfs
