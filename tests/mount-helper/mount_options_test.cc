// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_options.h"

#include <gmock/gmock.h>

#include <set>
#include <sstream>

#include "tests/support/process.h"

namespace downwardfs {
namespace {

using ::testing::Contains;
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

// The command would take its next word for the value.
TEST(MountOptionsTest, AnEmptyValueIsRefused) {
  for (const std::string option : {"volume=", "pod-file=", "items=", "uid=", "volume=\"\""}) {
    EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "strict," + option + ",no-resend"}),
                ElementsAre(HasSubstr("error: option")))
        << option;
  }
  EXPECT_THAT(CommandFor({"", "/mnt", "-o", "strict"}),
              ElementsAre("mount", "--strict", "--", "/mnt"));
}

// mount(8) -N PATH, or a process id.
TEST(MountOptionsTest, TheNamespaceIsEntered) {
  EXPECT_THAT(CommandFor({"none", "/mnt", "-N", "/run/ns", "-o", "strict"}),
              ElementsAre("mount", "--strict", "--source-name=none", "--mount-namespace=/run/ns",
                          "--", "/mnt"));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-N", "321", "-o", "strict"}),
              Contains("--mount-namespace=/proc/321/ns/mnt"));
  EXPECT_THAT(CommandFor({"none", "/mnt", "-N1", "-o", "mount-namespace=/a"}),
              Contains("--mount-namespace=/a"));
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

// Lists: mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS", of util-linux 2.38; mount.fuse3(8).
TEST(MountOptionsTest, EachGenericOptionIsAcceptedOrRefusedWithAReason) {
  const std::vector<std::string> generic = {
      "async",
      "atime",
      "noatime",
      "auto",
      "noauto",
      "context=a:b:c:d",
      "fscontext=x",
      "defcontext=x",
      "rootcontext=x",
      "defaults",
      "dev",
      "nodev",
      "diratime",
      "nodiratime",
      "dirsync",
      "exec",
      "noexec",
      "group",
      "iversion",
      "noiversion",
      "mand",
      "nomand",
      "_netdev",
      "nofail",
      "relatime",
      "norelatime",
      "strictatime",
      "nostrictatime",
      "lazytime",
      "nolazytime",
      "suid",
      "nosuid",
      "silent",
      "loud",
      "owner",
      "remount",
      "ro",
      "rw",
      "sync",
      "user",
      "user=bob",
      "nouser",
      "users",
      "X-mount.mkdir=0700",
      "x-gvfs-hide",
      "nosymfollow",
      "x-systemd.automount",
      "uhelper=udisks2",
  };
  const std::vector<std::string> fuse = {
      "default_permissions",
      "allow_other",
      "rootmode=40000",
      "blkdev",
      "blksize=512",
      "max_read=4096",
      "fd=3",
      "user_id=0",
      "fsname=x",
      "subtype=x",
      "allow_root",
      "auto_unmount",
      "kernel_cache",
      "auto_cache",
      "umask=022",
      "uid=1000",
      "gid=1000",
      "entry_timeout=1",
      "attr_timeout=1",
      "negative_timeout=1",
      "noforget",
      "remember=1",
      "use_ino",
      "readdir_ino",
      "direct_io",
      "max_write=1",
      "max_readahead=1",
      "async_read",
      "sync_read",
      "big_writes",
      "nonempty",
      "hard_remove",
      "modules=m",
      "setuid=bob",
      "drop_privileges",
      "debug",
      "max_idle_threads=1",
      "clone_fd",
      "intr",
      "group_id=0",
      "max_background=9",
      "congestion_threshold=9",
  };
  for (const auto& options : {generic, fuse}) {
    for (const std::string& option : options) {
      const auto command = CommandFor({"none", "/mnt", "-o", option});
      EXPECT_THAT(command[0], ::testing::AnyOf("mount", HasSubstr("option \"" + option)));
      EXPECT_THAT(command[0], ::testing::Not(HasSubstr("unknown"))) << option;
    }
  }
}

// mount(8) of 2.41 adds the options of the mount in the kernel's table.
TEST(MountOptionsTest, ARemountIsRefusedAsSuch) {
  EXPECT_THAT(CommandFor({"fuse", "/mnt", "-o", "rw,user_id=0,podd=x,remount"})[0],
              HasSubstr("unmount it and mount it again"));
}

TEST(MountOptionsTest, SomeGenericOptionsStandForOurs) {
  EXPECT_THAT(CommandFor({"none", "/mnt", "-o",
                          "allow_other,fsname=pods,context=\"system_u:object_r:etc_t:s0:c1,c2\""}),
              ElementsAre("mount", "--allow-other", "--source-name=pods",
                          "--selinux-context=system_u:object_r:etc_t:s0:c1,c2", "--", "/mnt"));
}

TEST(MountOptionsTest, AContextThatIsNoSelinuxLabelIsTheKubeconfigs) {
  for (const std::string context :
       {"prod", "arn:aws:eks:eu-1:1:cluster/x", "a:b:c", "_u:_r:_t", "a_u:b_r:c", "a_u:b_r"}) {
    EXPECT_THAT(CommandFor({"none", "/mnt", "-o", "context=" + context})[1],
                "--context=" + context);
  }
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
