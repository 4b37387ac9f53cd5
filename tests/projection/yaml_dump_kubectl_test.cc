// SPDX-License-Identifier: Apache-2.0
// The same bytes as kubectl: tests/data/kubectl/document.yaml is what kubectl 1.33 made (1.28 makes
// the same) of document.json:
//   kubectl annotate --local --overwrite -o yaml -f document.json x=y
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fs/projection/yaml_dump.h"
#include "fs/projection/yaml_dump_order.h"

namespace downwardfs {
namespace {

std::string Slurp(const std::string& name) {
  std::ifstream in(std::string(TEST_DATA_DIR "/kubectl/") + name);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(DumpYamlAsKubectlTest, EveryStyleFoldAndOrderIsTheSame) {
  const auto document = ParseJson(Slurp("document.json"));
  ASSERT_TRUE(document);
  EXPECT_EQ(DumpYaml(*document), Slurp("document.yaml"));
}

// Rule: numbers by their value, what is no letter before letters, then by code point.
TEST(DumpYamlAsKubectlTest, KeysAreInKubectlsOrder) {
  std::vector<std::string_view> keys = {"a10", "aB", "a9", "b", "a-b", "B", "a", "10", "9"};
  SortYamlKeys(keys);
  EXPECT_THAT(keys, ::testing::ElementsAre("9", "10", "B", "a", "a-b", "a9", "a10", "aB", "b"));
}

// A number that no int64 holds, a digit of another script, many keys whose order is no order:
// kubectl prints "1.", "0a", "00" in any of several orders.
TEST(DumpYamlAsKubectlTest, NoKeysAreTooStrangeToBeSorted) {
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (unsigned n = static_cast<unsigned>(i) * 2654435761U; n != 0; n /= 7)
      text += "019.a\xd9-"[n % 7];
    texts.push_back(text + std::string(i % 3 == 0 ? 30 : 0, '9'));
  }
  std::vector<std::string_view> keys(texts.begin(), texts.end());
  SortYamlKeys(keys);
  EXPECT_THAT(keys, ::testing::SizeIs(texts.size()));
}

// The one thing that differs: these read as something else for some parser, and kubectl leaves them
// bare.
TEST(DumpYamlAsKubectlTest, WhatAnotherParserWouldMisreadIsQuoted) {
  for (const char* text : {"=", "<<", "1e400", ".5_0", "2026-11-22T13:00:00", "2026-02-30"}) {
    EXPECT_EQ(DumpYaml(Json{{"a", text}}), std::string("a: \"") + text + "\"\n");
  }
  EXPECT_EQ(DumpYaml(Json{{"a", "b\xe2\x80\xa8"}}), "a: \"b\\L\"\n");
}

}  // namespace
}  // namespace downwardfs
