// SPDX-License-Identifier: Apache-2.0
// The calls that a sink gets, and the limits. The meaning of a scalar is tested with the JSON that
// is made of it (tests/sources/yaml_test.cc).
#include "yaml/yaml_reader.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

class Recorder final : public YamlSink {
 public:
  std::string calls;
  void BeginDocument() override { calls += "--- "; }
  Status Scalar(YamlValue value, std::string_view text, std::size_t line) override {
    if (text == "refuse me") return Fail(ErrorCode::kInvalidArgument, "not this one");
    calls += std::string(text) + (std::holds_alternative<std::string>(value) ? "" : "!") + "@" +
             std::to_string(line) + " ";
    return {};
  }
  void OpenList(std::size_t) override { calls += "[ "; }
  void OpenMap(std::size_t) override { calls += "{ "; }
  void Key(std::string key) override { calls += key + ": "; }
  void Close() override { calls += "; "; }
};

std::string CallsOf(std::string_view text, const YamlLimits& limits = {}) {
  Recorder recorder;
  const Status read = ReadYaml(text, limits, recorder);
  return read ? recorder.calls : read.error().message;
}

TEST(YamlReaderTest, ASinkGetsValuesInTheirOrderWithTheirLines) {
  EXPECT_EQ(CallsOf("a: 1\nb:\n- 'x'\n- yes\n"), "--- { a: 1!@1 b: [ x@3 yes!@4 ; ; ");
}

TEST(YamlReaderTest, MergedKeysComeAtTheirPlaceAndLaterOnesAgain) {
  EXPECT_EQ(CallsOf("p: &p {a: 1}\nq: {a: 0, <<: *p, b: 2}\n"),
            "--- { p: { a: 1!@1 ; q: { a: 0!@2 a: 1!@1 b: 2!@2 ; ; ");
}

TEST(YamlReaderTest, TheFirstDocumentAloneIfAsked) {
  EXPECT_EQ(CallsOf("a\n---\n]\n", {.first_document_only = true}), "--- a@1 ");
  EXPECT_EQ(CallsOf("a\n---\nb\n"), "--- a@1 --- b@3 ");
}

TEST(YamlReaderTest, AnErrorOfTheSinkGetsThePlace) {
  EXPECT_EQ(CallsOf("a:\n  - 'refuse me'\n"), "line 2, column 5: not this one");
}

TEST(YamlReaderTest, LimitsAreTheCallers) {
  EXPECT_EQ(CallsOf("[[[a]]]", {.depth = 2}), "line 1, column 3: nested deeper than 2 levels");
  EXPECT_EQ(CallsOf("[a, b, c]", {.nodes = 3}), "line 1, column 8: more than 3 nodes");
  EXPECT_EQ(CallsOf("[&a x, *a, *a]", {.aliased_nodes = 1}),
            "line 1, column 2: aliases expand to more than 1 nodes or 67108864 bytes");
  EXPECT_EQ(CallsOf("[&a xyz, *a]", {.aliased_bytes = 2}),
            "line 1, column 2: aliases expand to more than 100000 nodes or 2 bytes");
}

// A password may begin with what means something in YAML.
TEST(YamlReaderTest, ErrorsQuoteNoScalar) {
  EXPECT_EQ(CallsOf("password: *SECRET\n"),
            "line 1, column 11: unknown anchor; a text that begins with '*' must be in quotes");
  EXPECT_EQ(CallsOf("token: !!int SECRET\n"), "line 1, column 8: the value is not a !!int");
}

}  // namespace
}  // namespace downwardfs
