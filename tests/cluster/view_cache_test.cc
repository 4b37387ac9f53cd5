// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/view_cache.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_source.h"

namespace downwardfs::testing {
namespace {

ObjectPtr Pod(FakeSource& source, const std::string& name, const std::string& version) {
  source.Put(R"({"kind":"Pod","metadata":{"name":")" + name + R"(","namespace":"d","uid":")" +
             name + R"(","resourceVersion":")" + version + R"("}})");
  return source.Get({"Pod", "d", name, ""});
}

TEST(ViewCacheTest, OneStateOfAnObjectIsRenderedOnce) {
  FakeSource source;
  ViewCache cache;
  const ObjectPtr first = Pod(source, "a", "1");
  EXPECT_EQ(cache.Get(first), cache.Get(first));
  EXPECT_NE(cache.Get(first), cache.Get(Pod(source, "a", "2")));
  EXPECT_EQ(cache.size(), 2U);
}

TEST(ViewCacheTest, WhatWasNotUsedForLongGoes) {
  FakeSource source;
  ViewCache cache({.views = 2, .bytes = 1000});
  const ObjectPtr a = Pod(source, "a", "1");
  const auto view = cache.Get(a);
  cache.Get(Pod(source, "b", "1"));
  EXPECT_EQ(cache.Get(a), view);
  cache.Get(Pod(source, "c", "1"));
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.Get(a), view);  // b was used longer ago
}

TEST(ViewCacheTest, BytesAreBoundedButWhatIsAskedForIsServed) {
  FakeSource source;
  ViewCache cache({.views = 100, .bytes = 1});
  EXPECT_NE(cache.Get(Pod(source, "a", "1")), nullptr);
  EXPECT_NE(cache.Get(Pod(source, "b", "1")), nullptr);
  EXPECT_EQ(cache.size(), 1U);
}

}  // namespace
}  // namespace downwardfs::testing
