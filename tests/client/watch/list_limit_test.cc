// SPDX-License-Identifier: Apache-2.0
// Servers that send more than anybody can hold: the reflector stops reading, says so, keeps what it
// had, and goes on when the server is itself again.
#include "tests/client/watch/reflector_fixture.h"

namespace downwardfs::client {
namespace {

class ListLimitTest : public ReflectorTest {
 protected:
  static ReflectorOptions Limited(ReflectorOptions options, std::size_t objects) {
    options.limits.objects = objects;
    return options;
  }
  ::testing::AssertionResult Says(const std::string& words) {
    return Eventually([&] { return store_.State().last_fault.find(words) != std::string::npos; });
  }
};

TEST_F(ListLimitTest, AListWithTooManyObjectsIsGivenUpAndFillsNothing) {
  for (const bool streaming : {true, false}) {
    ReflectorOptions options = Limited(PodReflectorOptions(""), 5);
    options.streaming_lists = streaming;
    Follow(options);
    EXPECT_TRUE(Says("more than 5 objects in one list")) << streaming;
    // Again and again.
    const auto faults = store_.State().faults;
    EXPECT_TRUE(Eventually([&] { return store_.State().faults > faults + 2; }));
    EXPECT_LE(store_.size(), 6U);
    reflector_.reset();
  }
}

TEST_F(ListLimitTest, AWatchAddsNoMoreThanTheLimitAndChangesGoOn) {
  Follow(Limited(PodReflectorOptions(""), 10));
  ASSERT_TRUE(ConnectedAndEqual());
  for (int i = 0; i < 50; ++i) server_.Put("default", "flood" + std::to_string(i), "first");
  EXPECT_TRUE(Says("more than 10 objects"));
  EXPECT_LE(store_.size(), 10U);
  for (int i = 0; i < 50; ++i) server_.Delete("default", "flood" + std::to_string(i));
  EXPECT_TRUE(ConnectedAndEqual());
}

TEST_F(ListLimitTest, BytesAreLimitedToo) {
  ReflectorOptions options = PodReflectorOptions("");
  options.limits.all_bytes = 1000;
  Follow(options);
  EXPECT_TRUE(Says("more than 1000 bytes in one list"));
  EXPECT_LE(store_.bytes(), 2000U);
}

TEST_F(ListLimitTest, ALongVersionIsRefused) {
  server_.PutObject("pods", "default", "long",
                    {.whole = R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"long",)"
                              R"("namespace":"default","resourceVersion":")" +
                              std::string(50'000, '7') + R"("}})"});
  Follow();
  EXPECT_TRUE(Says("metadata.resourceVersion has 50000 bytes, more than 1024"));
}

TEST(ListLimitPages, PagesWithoutEndAreGivenUp) {
  const ObjectStore store("test");
  SplitterLimits limits;
  limits.objects = 100;
  ListLimit limit(store, limits);
  limit.Begin();
  int pages = 0;
  while (limit.TakePage()) ASSERT_LT(++pages, 10'000);
  EXPECT_TRUE(limit.exceeded());
  limit.Begin();
  EXPECT_FALSE(limit.exceeded());
  EXPECT_TRUE(limit.TakePage());
}

}  // namespace
}  // namespace downwardfs::client
