// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/status_pages.h"

#include <gtest/gtest.h>

#include <string>

namespace downwardfs {
namespace {

std::string ReadAll(StatusPages& pages, const std::string& word,
                    const std::function<std::string()>& status) {
  std::string all;
  for (int i = 0;; ++i) {
    const auto page = pages.Page(word + "." + std::to_string(i), status);
    if (!page) return "no page " + std::to_string(i);
    all += *page;
    if (page->size() < kStatusPage) return all;
  }
}

TEST(StatusPagesTest, AStatusOfAnyLengthIsReadInPagesOfOneState) {
  StatusPages pages;
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, kStatusPage - 1, kStatusPage,
                                 kStatusPage + 1, 3 * kStatusPage, std::size_t{1} << 20}) {
    int asked = 0;
    const auto status = [&] { return std::string(size, static_cast<char>('a' + asked++)); };
    EXPECT_EQ(ReadAll(pages, "w", status), std::string(size, 'a')) << size;
    EXPECT_EQ(asked, 1);
  }
}

TEST(StatusPagesTest, TwoAskersDoNotDisturbEachOtherAndAThirdDoes) {
  StatusPages pages;
  const auto status = [] { return std::string(2 * kStatusPage, 'x'); };
  EXPECT_TRUE(pages.Page("a.0", status));
  EXPECT_TRUE(pages.Page("b.0", status));
  EXPECT_TRUE(pages.Page("a.1", status));
  EXPECT_TRUE(pages.Page("b.1", status));
  EXPECT_TRUE(pages.Page("c.0", status));
  EXPECT_FALSE(pages.Page("a.1", status));
  EXPECT_TRUE(pages.Page("b.2", status));
}

TEST(StatusPagesTest, OtherNamesHaveNoPage) {
  StatusPages pages;
  const auto status = [] { return std::string("{}"); };
  for (const char* name : {"", ".", ".0", "w", "w.", "w.x", "w.-1", "w.0x", "w.1", "w.99999999999",
                           "a word that is longer than a word may be.0"}) {
    EXPECT_FALSE(pages.Page(name, status)) << name;
  }
}

}  // namespace
}  // namespace downwardfs
