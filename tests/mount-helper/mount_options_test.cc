// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_options.h"

#include <gmock/gmock.h>

#include <set>
#include <sstream>

#include "tests/support/process.h"

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The command line for these words, or the error's text.
std::vector<std::string> CommandFor(std::vector<std::string> arguments) {
  auto request = ParseMountArguments(arguments);
  if (!request) return {"error: " + request.error().message};
  auto command = MountCommand(*request);
  if (!command) return {"error: " + command.error().message};
  return *command;
}

TEST(MountOptionsTest, OptionsAreTheLongOptionsOfTheMountCommand) {
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "rw,pod=default/web,volume=info,strict"}),
              ElementsAre("mount", "--pod=default/web", "--volume=info", "--strict",
                          "--source-name=none", "--", "/mnt"));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "pod-file=/p.yaml", "-o", "layout=live"}),
              ElementsAre("mount", "--pod-file=/p.yaml", "--layout=live", "--source-name=none",
                          "--", "/mnt"));
}

TEST(MountOptionsTest, TheSourceMayNameThePod) {
  EXPECT_THAT(CommandFor({"default/web", "/mnt", "-o", "rw"}),
              ElementsAre("mount", "--pod=default/web", "--source-name=default/web", "--", "/mnt"));
  EXPECT_THAT(CommandFor({"default/web", "/mnt", "-o", "pod=a/b"}),
              ElementsAre("mount", "--pod=a/b", "--source-name=default/web", "--", "/mnt"));
  EXPECT_THAT(CommandFor({"none", "/mnt"}),
              ElementsAre("mount", "--source-name=none", "--", "/mnt"));
}

TEST(MountOptionsTest, WhatMountAndSystemdSayIsAccepted) {
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o",
                          "ro,nofail,_netdev,nosuid,x-systemd.automount,comment=x,defaults,user"}),
              ElementsAre("mount", "--source-name=none", "--", "/mnt"));
}

TEST(MountOptionsTest, UnknownOptionsAndContradictionsAreRefusedByName) {
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "ro,podd=x"})[0], HasSubstr("\"podd=x\""));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "exec"})[0], HasSubstr("noexec"));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "pod"})[0], HasSubstr("needs a value"));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "strict=1"})[0], HasSubstr("takes no value"));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "foreground"})[0], HasSubstr("unknown"));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-s", "-o", "podd=x"}),
              ElementsAre("mount", "--source-name=none", "--", "/mnt"));
}

TEST(MountOptionsTest, FlagsOfTheHelper) {
  auto request = ParseMountArguments({"none", "/mnt", "-fnv", "-t", "downwardfs", "-oro"});
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->fake);
  EXPECT_TRUE(request->verbose);
  EXPECT_FALSE(request->sloppy);
  EXPECT_EQ(request->options, "ro");
  EXPECT_FALSE(ParseMountArguments({"none"}));
  EXPECT_FALSE(ParseMountArguments({"none", "/mnt", "more"}));
  EXPECT_FALSE(ParseMountArguments({"none", "/mnt", "-o"}));
  EXPECT_FALSE(ParseMountArguments({"none", "/mnt", "-z"}));
}

TEST(MountOptionsTest, QuotesKeepCommasTogether) {
  EXPECT_THAT(SplitMountOptions("a=\"b,c\",d,,e"), ElementsAre("a=b,c", "d", "e"));
  EXPECT_THAT(SplitMountOptions(""), IsEmpty());
}

TEST(MountOptionsTest, AMountPointIsNeverTakenForAnOption) {
  EXPECT_THAT(CommandFor({"none", "--", "-o", "ro"})[0], HasSubstr("error"));
  const auto command = CommandFor({"none", "/mnt/--pod=x"});
  EXPECT_THAT(command, ElementsAre("mount", "--source-name=none", "--", "/mnt/--pod=x"));
}

// The helper has to learn every option that `downwardfs mount` learns.
TEST(MountOptionsTest, EveryLongOptionIsKnown) {
  std::istringstream help(testing::Downwardfs({"mount", "--help"}).out);
  const std::set<std::string> of_terminals = {"--help", "--version", "--foreground"};
  int seen = 0;
  for (std::string line; std::getline(help, line);) {
    const auto dashes = line.find("--");
    // An option's line begins with it: "  --pod NAMESPACE/NAME ..." or "  -f,--foreground ...".
    if (dashes == std::string::npos || dashes > 5 || line.rfind("  -", 0) != 0) continue;
    const auto end = line.find_first_of(" ,", dashes);
    const std::string name = line.substr(dashes, end - dashes);
    if (of_terminals.count(name) > 0) continue;
    ++seen;
    const std::string option = name.substr(2);
    const auto plain = CommandFor({"none", "/mnt", "-o", option});
    const auto valued = CommandFor({"none", "/mnt", "-o", option + "=x"});
    EXPECT_TRUE(plain[0] == "mount" || valued[0] == "mount") << name << " is not known";
  }
  EXPECT_GE(seen, 20);
}

}  // namespace
}  // namespace downwardfs
