// SPDX-License-Identifier: Apache-2.0
#include "client/config/server_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace downwardfs::client {
namespace {

TEST(NormalizeServerUrlTest, GivesOneSpelling) {
  const auto normal = [](const char* text) {
    const auto url = NormalizeServerUrl(text, false);
    return url ? *url : url.error().message;
  };
  EXPECT_EQ(normal("https://h:6443"), "https://h:6443");
  EXPECT_EQ(normal("HTTPS://h/"), "https://h");
  EXPECT_EQ(normal("https://h/k8s/clusters/c-1//?x#y"), "https://h/k8s/clusters/c-1");
  EXPECT_EQ(normal("https://[fd00::1]:6443"), "https://[fd00::1]:6443");
  EXPECT_EQ(normal("localhost:8080"), "http://localhost:8080");
  EXPECT_EQ(*NormalizeServerUrl("localhost", true), "https://localhost");
}

TEST(NormalizeServerUrlTest, RefusesWhatIsNoServer) {
  for (const char* text :
       {"", "https://", "https:///x", "ftp://h", "h/path", "https://h:99999", "https://h:x",
        "https://fd00::1", "https://[fd00::1", "https://[]", "https://h\n", "https://h h",
        "https://u:p@h", "https://\xc3\xa9", "unix:///x", "https://h:1:2", "https://<h>"}) {
    EXPECT_FALSE(NormalizeServerUrl(text, false)) << text;
  }
}

TEST(CheckProxyUrlTest, KnowsThreeSchemesAndHidesPasswords) {
  for (const char* text : {"http://p", "https://p:3128/", "socks5://me:pw@p:1080", "HTTP://p"}) {
    EXPECT_TRUE(CheckProxyUrl(text)) << text;
  }
  for (const char* text : {"", "p:3128", "ftp://SECRET", "http://", "http://u:SECRET@:1",
                           "http://SECRET\nx", "socks5h://SECRET"}) {
    const auto checked = CheckProxyUrl(text);
    ASSERT_FALSE(checked) << text;
    EXPECT_THAT(checked.error().message, testing::Not(testing::HasSubstr("SECRET")));
  }
}

TEST(JoinHostPortTest, BracketsIpv6) {
  EXPECT_EQ(JoinHostPort("10.0.0.1", "443"), "10.0.0.1:443");
  EXPECT_EQ(JoinHostPort("fd00::1", "443"), "[fd00::1]:443");
  EXPECT_EQ(JoinHostPort("[fd00::1]", "443"), "[fd00::1]:443");
}

}  // namespace
}  // namespace downwardfs::client
