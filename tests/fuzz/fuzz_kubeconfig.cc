// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/kubeconfig_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  downwardfs::client::TryKubeconfig({reinterpret_cast<const char*>(data), size});
  return 0;
}
