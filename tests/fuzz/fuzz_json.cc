// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry to FuzzJson().
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  downwardfs::FuzzJson({reinterpret_cast<const char*>(data), size});
  return 0;
}
