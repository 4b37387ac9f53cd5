// SPDX-License-Identifier: Apache-2.0
// Bodies of the captures of a real API server (tests/data/apiserver-captures). For tests only.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/file.h"

namespace downwardfs::client {

/// The body of a captured response; its chunked coding taken off if the file still has it.
inline std::string CaptureBody(const std::string& name) {
  auto bytes = ReadFile(std::string(TEST_DATA_DIR) + "/apiserver-captures/" + name);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().message;
    return {};
  }
  std::string_view rest = *bytes;
  const bool crlf = rest.find("\r\n\r\n") != std::string_view::npos;
  rest.remove_prefix(crlf ? rest.find("\r\n\r\n") + 4 : rest.find("\n\n") + 2);
  if (rest.starts_with('{')) return std::string(rest);
  std::string body;
  while (!rest.empty()) {
    const std::size_t size = std::stoul(std::string(rest.substr(0, rest.find('\n'))), nullptr, 16);
    rest.remove_prefix(rest.find('\n') + 1);
    if (size == 0) break;
    body += rest.substr(0, size);
    rest.remove_prefix(size);
    rest.remove_prefix(rest.find('\n') + 1);
  }
  return body;
}

}  // namespace downwardfs::client
