// SPDX-License-Identifier: Apache-2.0
// Mounts of the program: a pod file whose label `app` is "one", and a directory to mount at.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/pods.h"
#include "tests/support/matchers.h"
#include "tests/support/mounted.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {

class PodMountTest : public ::testing::Test {
 protected:
  const TempDir dir_;
  const std::string pod_ = dir_.Write("pod.yaml", PodYaml("one"));
  const std::string at_ = dir_.MakeDir("mount");
};

/// Mounts of root, which have a holder.
class HeldMountTest : public PodMountTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "only root's mounts have a holder";
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  }
  std::vector<std::string> Arguments(std::vector<std::string> more = {}) {
    std::vector<std::string> all = {"--pod-file", pod_, "--volume", "info"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static int HolderPid(const Mounted& mount) {
    return std::atoi(mount.StatusField("holderPid").c_str());
  }
};

/// Each test with a holder, and (the parameter) without one.
class AnyMountTest : public HeldMountTest, public ::testing::WithParamInterface<bool> {
 protected:
  std::vector<std::string> More(std::vector<std::string> more = {}) {
    if (GetParam()) more.emplace_back("--no-holder");
    return Arguments(std::move(more));
  }
};

}  // namespace downwardfs::testing
