// SPDX-License-Identifier: Apache-2.0
// `downwardfs env` and `exec`, with the example pod of the documentation.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/matchers.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

constexpr char kEnvPod[] = PROJECT_DIR "/docs/examples/env-pod.yaml";

// A pod whose one container has these variables.
std::string WritePod(const TempDir& dir, const std::string& env) {
  return dir.Write("pod.yaml",
                   "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, "
                   "env: " +
                       env + "}]}}\n");
}

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
  const std::string pod =
      WritePod(dir, R"([{name: HOSTILE, value: "a'b\"c $(date) `id` \\ \n$HOME"}])");
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
  const std::string pod = WritePod(dir,
                                   "[{name: A, value: x}, {name: SECRET, valueFrom: "
                                   "{secretKeyRef: {name: s, key: k}}}]");
  const Outcome failed = Downwardfs({"env", "--pod-file", pod, "--container", "c"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("SECRET"));
  const Outcome skipped =
      Downwardfs({"env", "--pod-file", pod, "--container", "c", "--skip-unresolved"});
  EXPECT_EQ(skipped.exit_code, 0);
  EXPECT_EQ(skipped.out, "A=x\n");
}

TEST(EnvTest, ExecReadsTheFilesOfTheContainersVolumes) {
  const TempDir dir;
  const std::string volume = dir.MakeDir("config");
  dir.Write("config/a.env", "GREETING='hello world' # for all\n");
  const std::string pod = dir.Write("pod.yaml", R"(apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  volumes: [{name: cfg, emptyDir: {}}]
  containers:
    - name: c
      volumeMounts: [{name: cfg, mountPath: )" + volume +
                                                    R"(}]
      env:
        - {name: A, valueFrom: {fileKeyRef: {volumeName: cfg, path: a.env, key: GREETING}}}
)");
  const Outcome read = Downwardfs({"exec", "--pod-file", pod, "--", "sh", "-c", "echo \"$A\""});
  EXPECT_EQ(read.out, "hello world\n") << read.err;
  const Outcome named = Downwardfs({"env", "--pod-file", pod});
  EXPECT_EQ(named.exit_code, 1);
  EXPECT_THAT(named.err, HasSubstr("file \"a.env\" of the volume \"cfg\", key \"GREETING\""));
  // A link out of the volume is resolved in it, as by the kubelet.
  std::filesystem::remove(volume + "/a.env");
  std::filesystem::create_symlink("/etc/hostname", volume + "/a.env");
  EXPECT_EQ(Downwardfs({"exec", "--pod-file", pod, "--", "true"}).exit_code, 1);
}

TEST(EnvTest, ConfigMapsBesideThePodAreRead) {
  const TempDir dir;
  const std::string pod = dir.Write("all.yaml", R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
data: {k: from the file}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {a: c2VjcmV0}
stringData: {b: plain}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - name: c
      envFrom: [{secretRef: {name: s}}, {configMapRef: {name: none, optional: true}}]
      env: [{name: A, valueFrom: {configMapKeyRef: {name: cm, key: k}}}]
)");
  const Outcome outcome = Downwardfs({"env", "--pod-file", pod});
  EXPECT_EQ(outcome.out, "A=\"from the file\"\na=secret\nb=plain\n") << outcome.err;
}

TEST(EnvTest, AnUnknownContainerIsNamed) {
  const Outcome outcome = Downwardfs({"env", "--pod-file", kEnvPod, "--container", "nope"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("nope"));
}

}  // namespace
}  // namespace downwardfs::testing
