// SPDX-License-Identifier: Apache-2.0
// Gives a fuzz target every file of its corpus, in builds without libFuzzer.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>

#include "base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace downwardfs {
namespace {

TEST(FuzzCorpus, EveryInputIsHandled) {
  std::size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FUZZ_CORPUS)) {
    const auto bytes = ReadFile(entry.path().string());
    ASSERT_TRUE(bytes) << bytes.error().message;
    SCOPED_TRACE(entry.path().string());
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size());
    ++inputs;
  }
  EXPECT_GT(inputs, 0u);
}

}  // namespace
}  // namespace downwardfs
