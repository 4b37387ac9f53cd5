// SPDX-License-Identifier: Apache-2.0
// Replays the corpus through the fuzz targets, and inputs that are too large to keep as files.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "sources/manifest.h"
#include "tests/fuzz/targets.h"

namespace downwardfs {
namespace {

TEST(CorpusTest, EveryInputKeepsThePromises) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(PROJECT_DIR "/tests/fuzz/corpus/manifest")) {
    SCOPED_TRACE(entry.path());
    const auto bytes = ReadFile(entry.path());
    ASSERT_TRUE(bytes) << bytes.error().message;
    FuzzManifest(*bytes);
    FuzzJson(*bytes);
    ++files;
  }
  EXPECT_GE(files, 30U);
}

// Each is a lot of one thing (about 1 MB). A parser that is quadratic in any of them runs into the
// test's time limit.
TEST(LargeInputTest, TimeDoesNotRunAway) {
  constexpr std::size_t kSize = LARGE_INPUT;
  const auto repeated = [](const std::string& text) {
    std::string out;
    while (out.size() < kSize) out += text;
    return out;
  };
  const std::vector<std::string> inputs = {
      std::string(kSize, '['),
      std::string(kSize, '{'),
      repeated("- "),
      repeated("? "),
      repeated("a: "),
      repeated("&a "),
      repeated("!!str "),
      repeated("a: b\n"),
      repeated("- x\n"),
      repeated("---\n"),
      repeated("%YAML 1.1\n"),
      repeated("# comment\n"),
      repeated("\n"),
      repeated(" "),
      "a: |\n" + repeated("  x\n"),
      "a: >\n" + repeated("  x\n\n"),
      "\"" + repeated("\\n"),
      "'" + repeated("''"),
      "[" + repeated("1,"),
      "[" + repeated("a: b, "),
      "{" + repeated("\"a\": 1, "),
      repeated("{}"),
      "- &a x\n" + repeated("- *a\n"),
      "{\"a\": \"" + repeated("\\ud800") + "\"}",
      "{\"a\": \"" + repeated("\xff") + "\"}",
      std::string(kSize, '0'),
      std::string(kSize, '*'),
      std::string(kSize, '\0'),
  };
  for (const std::string& input : inputs) {
    SCOPED_TRACE(input.substr(0, 20));
    FuzzManifest(input);
  }
}

TEST(LargeInputTest, AThousandPodsInOneFileAreRead) {
  std::string list = R"({"apiVersion":"v1","kind":"PodList","items":[)";
  for (int i = 0; i < 1000; ++i) {
    list += (i == 0 ? "" : ",");
    list += R"({"metadata":{"name":"p)" + std::to_string(i) + R"("},"spec":{"containers":[]}})";
  }
  auto documents = ParseManifest(list + "]}");
  ASSERT_TRUE(documents);
  auto pods = PodsFromManifest(std::move(*documents));
  ASSERT_TRUE(pods);
  EXPECT_EQ(pods->size(), 1000U);
}

}  // namespace
}  // namespace downwardfs
