// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/yaml_dump.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

namespace downwardfs {
namespace {

// The values that yaml-cpp reads: scalars as strings (yaml-cpp leaves types to its caller).
Json ReadBack(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  if (node.IsScalar()) return node.Scalar();
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& element : node) list.push_back(ReadBack(element));
    return list;
  }
  Json map = Json::object();
  for (const auto& member : node) map[member.first.Scalar()] = ReadBack(member.second);
  return map;
}

// The same with every scalar as its text.
Json AsText(const Json& value) {
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& element : value) list.push_back(AsText(element));
    return list;
  }
  if (value.is_object()) {
    Json map = Json::object();
    for (const auto& [key, member] : value.items()) map[key] = AsText(member);
    return map;
  }
  if (value.is_string()) return value;
  return DumpJson(value);
}

void ExpectRoundTrip(const Json& value) {
  const std::string text = DumpYaml(value);
  try {
    EXPECT_EQ(ReadBack(YAML::Load(text)), AsText(value)) << text;
  } catch (const YAML::Exception& e) {
    ADD_FAILURE() << e.what() << "\n" << text;
  }
}

TEST(DumpYamlTest, HasTheShapeOfKubectl) {
  const auto pod =
      ParseJson(R"({"kind":"Pod","spec":{"containers":[{"name":"a","args":["--x=1","-"],
      "command":[]},{"name":"b"}],"nested":[[1,2],[]]},
      "metadata":{"annotations":{"note":"line1\nline2\n","n":"1"},"creationTimestamp":null,
      "labels":{}},"empty":"","on":"yes","f":1.50,"t":true})");
  ASSERT_TRUE(pod);
  EXPECT_EQ(DumpYaml(*pod), R"(empty: ""
f: 1.50
kind: Pod
metadata:
  annotations:
    "n": "1"
    note: |
      line1
      line2
  creationTimestamp: null
  labels: {}
"on": "yes"
spec:
  containers:
  - args:
    - --x=1
    - '-'
    command: []
    name: a
  - name: b
  nested:
  - - 1
    - 2
  - []
t: true
)");
}

// Rule: quoted exactly where YAML 1.1 or 1.2 reads something else than a string.
TEST(DumpYamlTest, PlainStringsThatWouldBeSomethingElse) {
  for (const std::string_view text : {"",
                                      "~",
                                      "null",
                                      "Null",
                                      "true",
                                      "False",
                                      "yes",
                                      "No",
                                      "on",
                                      "OFF",
                                      "y",
                                      "N",
                                      "0",
                                      "-1",
                                      "+12",
                                      "1_000",
                                      "0x1F",
                                      "0o17",
                                      "017",
                                      "08",
                                      "0b101",
                                      "-0x1",
                                      "1.5",
                                      "-.5",
                                      "1.",
                                      "1e3",
                                      "1E-3",
                                      "12e03",
                                      ".inf",
                                      "-.INF",
                                      ".NaN",
                                      "1:30",
                                      "190:20:30.15",
                                      "2001-12-14",
                                      "2001-1-1",
                                      "2026-11-22T13:00:00Z",
                                      "2001-12-14 21:59:43.10 -5",
                                      "=",
                                      "<<",
                                      "-_1",
                                      "+._0",
                                      "0b+1"}) {
    EXPECT_TRUE(YamlReadsAsOther(text)) << text;
  }
  for (const std::string_view text :
       {"nil",     "yess",    "10.0.0.1",    "1.2.3",        "v1",  "0x", "0xg",  "0b2",  "0o8",
        "1e",      "e3",      ".",           "..",           "-",   "+",  "-e1",  "1:99", "1:3:",
        "12:345",  "2001-12", "2001-12-14x", "2001-12-14Tx", ".in", "1a", "64Mi", "250m", "1-2",
        "fd00::1", "a:b",     "_1",          "--1"}) {
    EXPECT_FALSE(YamlReadsAsOther(text)) << text;
  }
}

TEST(DumpYamlTest, EveryStringSurvivesAsKeyAndValue) {
  const std::string texts[] = {"",
                               " ",
                               "a ",
                               " a",
                               "a: b",
                               "a:",
                               "a #b",
                               "#a",
                               "- a",
                               "-",
                               "--flag",
                               "---",
                               "...",
                               "? a",
                               "?",
                               ":",
                               ": a",
                               "[a]",
                               "{a}",
                               "&a",
                               "*a",
                               "!a",
                               "|",
                               ">",
                               "'a'",
                               "\"a\"",
                               "%a",
                               "@a",
                               "`a",
                               "it's",
                               "a\"b",
                               "a\\b",
                               "\n",
                               "\n\n",
                               "a\n",
                               "a\n\n",
                               "a\n\n\n",
                               "\na",
                               " a\nb",
                               "a\n  b\n",
                               "a\n \nb",
                               "a \nb",
                               "a\n#b\n",
                               "a\nb: c",
                               "a\tb",
                               "\t",
                               "a\n\tb\n",
                               "a\rb",
                               "a\r\nb",
                               "\x7f",
                               "\x01",
                               "\xc2\x85",
                               "a\xe2\x80\xa8"
                               "b",
                               "\xef\xbb\xbf"
                               "a",
                               "\xf0\x9f\x98\x80",
                               "\xc3\xa9",
                               "\xef\xbf\xbe",
                               "a\n---\nb\n",
                               "key: |\n  x\n",
                               "a, b",
                               "a]",
                               "x: y: z",
                               "http://a/b#c",
                               std::string(300, 'k'),
                               std::string(2000, 'v') + " x"};
  for (const std::string& text : texts) {
    ExpectRoundTrip(Json{{"k", text}});
    ExpectRoundTrip(Json{{text, "v"}});
    ExpectRoundTrip(Json{{text, Json{{text, Json::array({text, Json{{text, text}}})}}}});
    ExpectRoundTrip(Json::array({text, Json::array({text, text})}));
  }
}

TEST(DumpYamlTest, RandomDocumentsSurvive) {
  std::mt19937 random(7);
  const std::string alphabet[] = {"a",        "b",  " ", "\n", ":", "#", "-", "'",
                                  "\"",       "\\", "[", "{",  "0", "1", ".", "\t",
                                  "\xc3\xa9", "?",  "|", ">",  "&", "*", "%", ","};
  const auto pick = [&](std::size_t n) { return std::size_t{random()} % n; };
  const auto text = [&] {
    std::string out;
    for (std::size_t n = pick(12); n > 0; --n) out += alphabet[pick(std::size(alphabet))];
    return out;
  };
  const std::function<Json(int)> value = [&](int depth) -> Json {
    const std::size_t kind = depth > 3 ? 0 : pick(4);
    Json out = text();
    if (kind == 1) {
      out = Json::object();
      for (std::size_t n = pick(4); n > 0; --n) out[text()] = value(depth + 1);
    } else if (kind == 2) {
      out = Json::array();
      for (std::size_t n = pick(4); n > 0; --n) out.push_back(value(depth + 1));
    }
    return out;
  };
  for (int i = 0; i < 3000; ++i) ExpectRoundTrip(Json{{"root", value(0)}});
}

TEST(DumpYamlTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(DumpYaml(Json{{"a", "x\xff"}}), "a: x\xef\xbf\xbd\n");
}

}  // namespace
}  // namespace downwardfs
