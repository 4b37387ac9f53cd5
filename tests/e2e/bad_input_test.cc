// SPDX-License-Identifier: Apache-2.0
// Bad input: one line that says what, where, which rule; exit 1 (2 for wrong usage); nothing
// mounted.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/e2e/pods.h"
#include "tests/support/matchers.h"
#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

class BadInputTest : public ::testing::Test {
 protected:
  // Runs `mount` with the arguments; checks that it fails in one line and mounts nothing.
  std::string MountError(std::vector<std::string> arguments, int exit_code = 1) const {
    arguments.insert(arguments.begin(), "mount");
    arguments.push_back(at_);
    const Outcome outcome = Downwardfs(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code);
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(IsMountPoint(at_));
    return outcome.err;
  }
  std::string ItemsError(const std::string& items) const {
    return MountError({"--pod-file", pod_, "--items", dir_.Write("items.yaml", items)});
  }
  std::string PodError(const std::string& pod) const {
    return MountError({"--pod-file", dir_.Write("bad.yaml", pod)});
  }

  const TempDir dir_;
  const std::string pod_ = dir_.Write("pod.yaml", PodYaml("one"));
  const std::string at_ = dir_.MakeDir("mount");
};

TEST_F(BadInputTest, ItemsNameTheItemAndTheRule) {
  const std::pair<const char*, std::vector<const char*>> cases[] = {
      {"[{path: a, fieldRef: {fieldPath: metadata.nam}}]", {"items[0] \"a\"", "metadata.nam"}},
      {"[{path: a, resourceFieldRef: {containerName: nope, resource: limits.cpu}}]",
       {"items[0] \"a\"", "nope"}},
      {"[{path: a, resourceFieldRef: {containerName: main, resource: limits.gpu}}]",
       {"items[0] \"a\"", "limits.gpu"}},
      {"[{path: a, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1k}}]",
       {"items[0] \"a\"", "1k"}},
      {"[{path: a, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1K}}]",
       {"items[0] \"a\"", "divisor"}},
      {"[{path: a, fieldRef: {fieldPath: metadata.name}}, {path: ./a, fieldRef: {fieldPath: "
       "metadata.uid}}]",
       {"items[1]", "same path"}},
      {"[{path: a, fieldRef: {fieldPath: metadata.name}}, {path: a/b, fieldRef: {fieldPath: "
       "metadata.uid}}]",
       {"items[0]", "a file here and a directory there"}},
      {"[{path: ../a, fieldRef: {fieldPath: metadata.name}}]", {"\"../a\"", "'..'"}},
      {"[{path: /a, fieldRef: {fieldPath: metadata.name}}]", {"\"/a\"", "relative"}},
      {"[{path: a, mode: 01000, fieldRef: {fieldPath: metadata.name}}]", {"mode 512", "0777"}},
      {"[{path: a, mode: rw, fieldRef: {fieldPath: metadata.name}}]", {"mode", "integer"}},
      {"[{path: a}]", {"one of fieldRef and resourceFieldRef"}},
      {"[{path: a, fieldRef: {fieldPath: metadata.name, apiVersion: v2}}]", {"v2", "must be v1"}},
      {"{}", {"no items"}},
      {"[", {"items.yaml"}},
  };
  for (const auto& [items, expected] : cases) {
    const std::string error = ItemsError(items);
    for (const char* part : expected) EXPECT_THAT(error, HasSubstr(part)) << items;
  }
}

TEST_F(BadInputTest, PodFilesNameTheFileAndTheRule) {
  EXPECT_THAT(PodError(""), HasSubstr("bad.yaml: the file is empty"));
  EXPECT_THAT(PodError("just text"), HasSubstr("bad.yaml"));
  EXPECT_THAT(PodError("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
              HasSubstr("ConfigMap"));
  EXPECT_THAT(PodError("a: [\n"), HasSubstr("line"));
  EXPECT_THAT(PodError("apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {v: 1.0}}\n"),
              HasSubstr("metadata.labels.v"));
  EXPECT_THAT(PodError("apiVersion: v1\nkind: Pod\nmetadata: {name: \"\xff\"}\n"),
              HasSubstr("UTF-8"));
  EXPECT_THAT(PodError("apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {big: \"" +
                       std::string(5 << 20, 'x') + "\"}}\nspec: {}\n"),
              HasSubstr("metadata.annotations: 5242883 bytes in all"));
  EXPECT_THAT(MountError({"--pod-file", dir_ / "missing.yaml"}),
              HasSubstr("missing.yaml: No such file or directory"));
  EXPECT_THAT(MountError({"--pod-file", dir_.path()}), HasSubstr("Is a directory"));
}

TEST_F(BadInputTest, PodsAndVolumesThatAreNotThereAreNamed) {
  EXPECT_THAT(MountError({"--pod-file", pod_, "--pod", "default/api"}),
              HasSubstr("default/api: not found"));
  EXPECT_THAT(MountError({"--pod-file", pod_, "--pod", "a/b/c"}), HasSubstr("NAMESPACE/NAME"));
  EXPECT_THAT(MountError({"--pod-file", pod_, "--volume", "nope"}), HasSubstr("\"nope\""));
  const std::string two =
      PodYaml("one") + "---\n" + "{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {}}\n";
  EXPECT_THAT(PodError(two), HasSubstr("--pod is needed"));
}

TEST_F(BadInputTest, AUserOfTheDaemonIsTwoNumbersInEachCommand) {
  for (const char* const command : {"mount", "csi"}) {
    for (const char* const user : {"nobody", "1000", "1000:", "1:2:3"}) {
      const Outcome outcome = Downwardfs({command, "--run-as", user});
      EXPECT_EQ(outcome.exit_code, 2) << command << " " << user;
      EXPECT_THAT(outcome.err, HasSubstr("--run-as: must be UID:GID, two numbers")) << user;
    }
  }
}

TEST_F(BadInputTest, MountPointsThatCannotBeUsed) {
  const auto error = [&](const std::string& at) {
    const Outcome outcome = Downwardfs({"mount", "--pod-file", pod_, at});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    return outcome.err;
  };
  EXPECT_THAT(error(dir_ / "missing"), HasSubstr("missing: No such file or directory"));
  EXPECT_THAT(error(pod_), HasSubstr("not a directory"));
  const Mounted mount({"--pod-file", pod_}, at_);
  ASSERT_TRUE(mount.ok());
  EXPECT_THAT(error(at_), HasSubstr("busy: fuse.downwardfs is mounted there already"));
  EXPECT_EQ(Slurp(mount / "podName"), "web");  // the first one is untouched
}

TEST_F(BadInputTest, WithoutTheFuseDeviceOrFusermount3NothingIsMounted) {
  // In a mount namespace of its own, /dev/fuse is hidden.
  const Outcome no_device =
      RunProgram({"unshare", "-m", "sh", "-c",
                  "mount -t tmpfs none /dev && exec \"$0\" mount --pod-file \"$1\" \"$2\"",
                  DOWNWARDFS_BINARY, pod_, at_});
  EXPECT_EQ(no_device.exit_code, 1);
  EXPECT_THAT(no_device.err, HasSubstr("/dev/fuse: No such file or directory; load the module"));
  std::filesystem::permissions(dir_.path(), std::filesystem::perms::all);
  RunOptions as_user;
  as_user.uid = 65534;
  as_user.env["PATH"] = "/nonexistent";
  const Outcome no_helper =
      RunProgram({DOWNWARDFS_BINARY, "mount", "--pod-file", pod_, at_}, as_user);
  EXPECT_EQ(no_helper.exit_code, 1);
  EXPECT_THAT(no_helper.err, HasSubstr("fusermount3: not found in PATH"));
}

TEST_F(BadInputTest, WrongUsageIsExitTwo) {
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"mont"},
      {"mount", "--pod-file", pod_},
      {"mount", "--no-such-flag"},
      {"mount", at_},
      {"mount", "--pod-file", pod_, "--items", "x", "--volume", "y", at_},
      {"render", "--pod-file", pod_, "--format", "xml"},
      {"env", "--container", "main"},
      {"exec", "--pod-file", pod_, "--container", "main"},
      {"status"},
  };
  for (const auto& arguments : cases) {
    const Outcome outcome = Downwardfs(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("--help"));
  }
}

TEST_F(BadInputTest, AValueThatIsNoneOfAFlagsIsRefusedWithItsRule) {
  const std::vector<std::string> csi = {"csi", "--node-id", "n", "--kubelet-dir", "/none"};
  const struct {
    std::vector<std::string> words;
    std::string rule;
  } cases[] = {
      {{"--log-level", "loud"}, "--log-level: loud not in {debug,error,info,warning}"},
      {{"--log-level", "1"}, "--log-level: 1 not in {debug,error,info,warning}"},
      {{"--log-format", "xml"}, "--log-format: xml not in {json,text}"},
      {{"--review-interval", "0"}, "--review-interval 0: must be at least 100ms"},
      {{"--review-interval", "1.5h"}, "must be a duration such as 30s or 1m30s"},
  };
  for (const auto& [words, rule] : cases) {
    std::vector<std::string> arguments = csi;
    arguments.insert(arguments.end(), words.begin(), words.end());
    const Outcome outcome = Downwardfs(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << rule;
    EXPECT_THAT(outcome.err, HasSubstr(rule));
  }
}

// As terminals and mails have it.
TEST_F(BadInputTest, HelpFitsEightyColumns) {
  for (const char* command : {"", "mount", "render", "env", "exec", "write", "status", "alive",
                              "upgrade", "umount", "csi", "completion"}) {
    std::vector<std::string> words = {command, "--help"};
    if (words.front().empty()) words.erase(words.begin());
    std::istringstream help(Downwardfs(words).out);
    int lines = 0;
    for (std::string line; std::getline(help, line); ++lines) {
      EXPECT_LE(line.size(), 80U) << command << ": " << line;
    }
    EXPECT_GT(lines, 5) << command;
  }
}

TEST_F(BadInputTest, EveryProgramHasHelpAndVersion) {
  for (const char* program : {HOLDER_BINARY, MOUNT_HELPER}) {
    const Outcome outcome = RunProgram({program, "--help"});
    EXPECT_EQ(outcome.exit_code, 0) << program;
    EXPECT_THAT(outcome.out,
                HasSubstr("usage: " + std::filesystem::path(program).filename().string()));
    EXPECT_EQ(outcome.err, "");
    std::istringstream help(outcome.out);
    for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 80U) << line;
    EXPECT_THAT(RunProgram({program, "--version"}).out,
                HasSubstr(std::filesystem::path(program).filename().string() + " "));
  }
}

TEST_F(BadInputTest, HelpAndVersionEverywhere) {
  EXPECT_THAT(Downwardfs({"--version"}).out, HasSubstr("downwardfs "));
  EXPECT_EQ(Downwardfs({"--help"}).exit_code, 0);
  for (const char* command : {"mount", "render", "env", "exec", "write", "status"}) {
    const Outcome help = Downwardfs({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Example:")) << command;
    EXPECT_THAT(help.out, HasSubstr(std::string("downwardfs ") + command)) << command;
    EXPECT_THAT(Downwardfs({command, "--version"}).out, HasSubstr("downwardfs ")) << command;
  }
}

}  // namespace
}  // namespace downwardfs::testing
