// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env_format.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "tests/support/temp_dir.h"

namespace downwardfs {
namespace {

const std::vector<std::string>& Values() {
  static const std::vector<std::string> kValues = {"",
                                                   "plain-1.2/x:y,z@w%v+u",
                                                   "two words",
                                                   "it's",
                                                   "say \"hi\"",
                                                   "$HOME",
                                                   "`id`",
                                                   "$(id)",
                                                   "back\\slash",
                                                   "end\\",
                                                   "a\\\\b",
                                                   "line1\nline2\n",
                                                   "'\"$`\\ all",
                                                   "#comment",
                                                   "a #b",
                                                   "~/x",
                                                   "*?[a]",
                                                   "a=b=c",
                                                   "!history",
                                                   "tab\there",
                                                   "\xc3\xa9\xff",
                                                   " lead and trail ",
                                                   "-n",
                                                   "${X:-y}",
                                                   "a;b&c|d<e>f(g)",
                                                   "\"",
                                                   "'",
                                                   "\n",
                                                   "\\n",
                                                   "'; touch /tmp/x; '"};
  return kValues;
}

std::vector<EnvVar> Vars() {
  std::vector<EnvVar> vars;
  for (std::size_t i = 0; i < Values().size(); ++i) {
    vars.push_back({"V" + std::to_string(i), Values()[i]});
  }
  return vars;
}

// The output of a POSIX shell after it has read `text` from a file, names and all: each value of
// Vars and a NUL behind it.
std::string ReadByShell(const std::string& text, const std::string& read_it) {
  const testing::TempDir dir;
  const std::string file = dir.Write("env", text);
  std::string script = "set -e; " + read_it + "; ";
  for (const EnvVar& var : Vars()) script += "printf '%s\\0' \"$" + var.name + "\"; ";
  const std::string runner = dir.Write("script.sh", script);
  const std::string command = "env -i F='" + file + "' /bin/sh '" + runner + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string out;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    out.append(buffer.data(), n);
  }
  return out;
}

std::string Expected() {
  std::string out;
  for (const std::string& value : Values()) out += value + '\0';
  return out;
}

TEST(FormatEnvTest, ShellTextMeansTheSameToEval) {
  const std::string text = FormatEnv(Vars(), EnvFormat::kShell);
  EXPECT_EQ(ReadByShell(text, "eval \"$(cat \"$F\")\""), Expected());
}

TEST(FormatEnvTest, DotenvTextMeansTheSameToAShellThatSourcesIt) {
  const std::string text = FormatEnv(Vars(), EnvFormat::kDotenv);
  EXPECT_EQ(ReadByShell(text, "set -a; . \"$F\""), Expected());
}

TEST(FormatEnvTest, DotenvQuotesOnlyWhereItMust) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "A=\n"},
      {"a/b:1,2", "A=a/b:1,2\n"},
      {"two words", "A=\"two words\"\n"},
      {"it's", "A=\"it's\"\n"},
      {"a\nb", "A=\"a\nb\"\n"},
      {"$x", "A='$x'\n"},
      {R"({"a":1})", "A='{\"a\":1}'\n"},
      {"$x'", "A=\"\\$x'\"\n"},
      {"a\\b", "A=\"a\\\\b\"\n"},
  };
  for (const auto& [value, text] : cases) {
    EXPECT_EQ(FormatEnv({{"A", value}}, EnvFormat::kDotenv), text);
  }
}

TEST(FormatEnvTest, NamesThatAreNoShellNamesBecomeComments) {
  EXPECT_EQ(FormatEnv({{"a.b-c", "x"}, {"A", "it's"}}, EnvFormat::kShell),
            "# a.b-c: no shell variable can have this name\nexport A='it'\\''s'\n");
}

TEST(FormatEnvTest, JsonKeepsTheOrder) {
  EXPECT_EQ(FormatEnv({{"B", "\"1\"\n"}, {"A", "\xff"}}, EnvFormat::kJson),
            "{\n  \"B\": \"\\\"1\\\"\\n\",\n  \"A\": \"\xef\xbf\xbd\",\n"
            "  \"A=base64\": \"/w==\"\n}\n");
  EXPECT_EQ(FormatEnv({}, EnvFormat::kJson), "{}\n");
}

}  // namespace
}  // namespace downwardfs
