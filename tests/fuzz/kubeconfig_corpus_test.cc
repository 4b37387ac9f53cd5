// SPDX-License-Identifier: Apache-2.0
// Every input that the fuzzer has kept, once more; runs without the fuzzer and with any compiler.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "tests/fuzz/kubeconfig_target.h"

namespace downwardfs::client {
namespace {

TEST(KubeconfigCorpusTest, EveryInputKeepsThePromises) {
  int inputs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(PROJECT_DIR "/tests/fuzz/corpus/kubeconfig")) {
    SCOPED_TRACE(entry.path().string());
    const auto bytes = ReadFile(entry.path().string());
    ASSERT_TRUE(bytes);
    TryKubeconfig(*bytes);
    ++inputs;
  }
  EXPECT_GE(inputs, 10);
}

}  // namespace
}  // namespace downwardfs::client
