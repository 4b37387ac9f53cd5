// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env_expand.h"

namespace downwardfs {
namespace {

// Go's string(byte): the byte as a code point.
void AppendAsCodePoint(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x80) {
    out += c;
  } else {
    out += static_cast<char>(0xc0U | (byte >> 6U));
    out += static_cast<char>(0x80U | (byte & 0x3fU));
  }
}

}  // namespace

std::string ExpandEnv(std::string_view text, const EnvMap& variables) {
  std::string out;
  for (;;) {
    const auto dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.empty()) return out += '$';
    const char next = text.front();
    if (next == '(') {
      if (const auto close = text.find(')'); close != std::string_view::npos) {
        const auto found = variables.find(text.substr(1, close - 1));
        if (found != variables.end()) {
          out += found->second;
        } else {
          out += '$';
          out += text.substr(0, close + 1);
        }
        text.remove_prefix(close + 1);
        continue;
      }
    }
    out += '$';
    if (next != '$') AppendAsCodePoint(out, next);
    text.remove_prefix(1);
  }
}

}  // namespace downwardfs
