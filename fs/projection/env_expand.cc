// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env_expand.h"

namespace downwardfs {
namespace {

const std::string* FindVariable(std::string_view name, const EnvMap& variables,
                                const EnvMap& more) {
  for (const EnvMap* const map : {&variables, &more}) {
    if (const auto found = map->find(name); found != map->end()) return &found->second;
  }
  return nullptr;
}

}  // namespace

std::string ExpandEnv(std::string_view text, const EnvMap& variables, const EnvMap& more) {
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
        const auto* const value = FindVariable(text.substr(1, close - 1), variables, more);
        if (value != nullptr) {
          out += *value;
        } else {
          out += '$';
          out += text.substr(0, close + 1);
        }
        text.remove_prefix(close + 1);
        continue;
      }
    }
    out += '$';
    if (next == '$') text.remove_prefix(1);  // anything else is copied in the next turn
  }
}

}  // namespace downwardfs
