// SPDX-License-Identifier: Apache-2.0
// PEM files and CA bundles as Go reads them.
#include "client/config/pem_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/config/ca_bundle.h"
#include "tests/fakes/test_certificates.h"

namespace downwardfs::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Types(std::string_view text) {
  std::vector<std::string> types;
  for (const PemBlock& block : ReadPemBlocks(text)) types.push_back(block.type);
  return types;
}

TEST(PemBlocksTest, AMalformedBlockDoesNotHideTheNextOne) {
  const std::string good = WritePemBlock("GOOD", "bytes");
  EXPECT_THAT(Types(good), ElementsAre("GOOD"));
  EXPECT_EQ(ReadPemBlocks(good)[0].der, "bytes");
  for (const std::string bad :
       {"some text\n", "-----BEGIN X-----\n", "-----BEGIN X-----\nYQ==\n-----END Y-----\n",
        "-----BEGIN X-----\n!\n-----END X-----\n", "-----BEGIN X\n", "-----END X-----\n",
        " -----BEGIN X-----\nYQ==\n-----END X-----\n"}) {
    EXPECT_THAT(Types(bad + good + bad), ElementsAre("GOOD")) << bad;
  }
  EXPECT_THAT(Types("-----BEGIN X-----\r\n Y Q\t=\r\n=  \r\n-----END X-----\r\n"),
              ElementsAre("X"));
  EXPECT_THAT(Types("-----BEGIN X-----\n-----END X-----"), ElementsAre("X"));
  EXPECT_THAT(Types(""), IsEmpty());
}

TEST(PemBlocksTest, HeadersAreSeen) {
  const auto blocks = ReadPemBlocks(
      "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\nYQ==\n"
      "-----END EC PRIVATE KEY-----\n");
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_TRUE(blocks[0].encrypted_by_header);
  EXPECT_EQ(blocks[0].der, "a");
}

// A search for the END line that is repeated for each BEGIN line would take minutes.
TEST(PemBlocksTest, HostileFilesTakeNoTime) {
  std::string text;
  while (text.size() < std::size_t{1} << 20) text += "-----BEGIN X-----\n";
  EXPECT_THAT(Types(text), IsEmpty());
  EXPECT_THAT(Types(text + "-----END Y-----\n"), IsEmpty());
  EXPECT_THAT(Types(text + "-----END X-----\n").size(), 1u);
}

TEST(CaBundleTest, BlocksThatAreNoCertificatesArePassedOver) {
  const TestAuthority authority("ca");
  const std::string good = authority.pem();
  const std::string key = authority.Issue("x", "").key_pem;
  const std::string broken = WritePemBlock("CERTIFICATE", "not DER");
  const std::string cut = good.substr(0, good.size() / 2) + "\n";
  auto bundle = RequireCaBundle(broken + key + cut + good + broken, "ca");
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_EQ(bundle->certificates, 1u);
  EXPECT_EQ(bundle->passed_over, 4u);
  EXPECT_EQ(bundle->pem, good);
}

TEST(CaBundleTest, OneWithoutAnyCertificateIsRefusedByItsName) {
  const std::string key = TestAuthority("ca").Issue("x", "").key_pem;
  struct Case {
    std::string bytes;
    const char* words;
  };
  for (const Case& c : {Case{"", "it is empty"}, Case{"hello", "it holds no PEM block"},
                        Case{WritePemBlock("CERTIFICATE", "x"), "failed to parse the certificate"},
                        Case{"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
                             "its PEM blocks are malformed"},
                        Case{key, "it holds no certificate but \"PRIVATE KEY\""}}) {
    const auto bundle = RequireCaBundle(c.bytes, "certificate authority /ca.pem");
    ASSERT_FALSE(bundle) << c.words;
    EXPECT_EQ(bundle.error().code, ErrorCode::kFailedPrecondition);
    EXPECT_THAT(bundle.error().message, testing::StartsWith("certificate authority /ca.pem: "));
    EXPECT_THAT(bundle.error().message, HasSubstr(c.words));
  }
}

}  // namespace
}  // namespace downwardfs::client
