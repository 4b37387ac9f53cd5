// SPDX-License-Identifier: Apache-2.0
// `downwardfs env` and `exec`, with the example pod of the documentation.
#include <gmock/gmock.h>

#include "tests/support/matchers.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

constexpr char kEnvPod[] = PROJECT_DIR "/docs/examples/env-pod.yaml";

TEST(EnvTest, TheExamplePodsEnvironmentIsTheKubelets) {
  const Outcome outcome = Downwardfs({"env", "--pod-file", kEnvPod, "--container", "main"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "POD_NAME=downward-env\n"
            "POD_NAMESPACE=default\n"
            "POD_IP=10.1.2.3\n"
            "NODE_NAME=node1\n"
            "CONTAINER_CPU_REQUEST_MILLICORES=15\n"
            "CONTAINER_MEMORY_LIMIT_KIBIBYTES=8192\n"
            "GREETING=\"I am default/downward-env\"\n");
}

TEST(EnvTest, ShellFormatSurvivesEval) {
  const TempDir dir;
  const std::string pod = dir.Write("pod.yaml", R"(apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - name: c
      env: [{name: HOSTILE, value: "a'b\"c $(date) `id` \\ \n$HOME"}]
)");
  const Outcome outcome =
      Downwardfs({"env", "--pod-file", pod, "--container", "c", "--format", "shell"});
  const Outcome shell =
      RunProgram({"sh", "-c", "eval \"$1\"; printf %s \"$HOSTILE\"", "sh", outcome.out});
  EXPECT_EQ(shell.out, "a'b\"c $(date) `id` \\ \n$HOME");
}

TEST(EnvTest, ExecAddsTheEnvironmentAndGivesTheCommandsExitStatus) {
  RunOptions options;
  options.env["KEPT"] = "yes";
  const Outcome outcome =
      Downwardfs({"exec", "--pod-file", kEnvPod, "--container", "main", "--", "sh", "-c",
                  "echo \"$KEPT $POD_NAME $1\"; exit 7", "x", "--y"},
                 options);
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_EQ(outcome.out, "yes downward-env --y\n");
  const Outcome missing =
      Downwardfs({"exec", "--pod-file", kEnvPod, "--container", "main", "--", "/no/such/program"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.err, "downwardfs: /no/such/program: No such file or directory\n");
}

TEST(EnvTest, WhatNeedsAServerFailsByNameOrIsLeftOut) {
  const TempDir dir;
  const std::string pod = dir.Write("pod.yaml", R"(apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - name: c
      env:
        - {name: A, value: x}
        - {name: SECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}
)");
  const Outcome failed = Downwardfs({"env", "--pod-file", pod, "--container", "c"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("SECRET"));
  const Outcome skipped =
      Downwardfs({"env", "--pod-file", pod, "--container", "c", "--skip-unresolved"});
  EXPECT_EQ(skipped.exit_code, 0);
  EXPECT_EQ(skipped.out, "A=x\n");
}

TEST(EnvTest, AnUnknownContainerIsNamed) {
  const Outcome outcome = Downwardfs({"env", "--pod-file", kEnvPod, "--container", "nope"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("nope"));
}

}  // namespace
}  // namespace downwardfs::testing
