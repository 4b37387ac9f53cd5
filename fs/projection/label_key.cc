// SPDX-License-Identifier: Apache-2.0
// IsQualifiedName of apimachinery's validation (util/validation/validation.go).
#include <algorithm>

#include "base/text.h"
#include "fs/projection/field_ref.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxNameLength = 63;
constexpr std::size_t kMaxPrefixLength = 253;

// Not isalnum(): the locale must not matter.
bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool IsNamePart(std::string_view name) {
  return !name.empty() && IsAlnum(name.front()) && IsAlnum(name.back()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return IsAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

// Labels of a-z, 0-9 and inner '-', joined by dots. (The length of one label is not bounded.)
bool IsSubdomain(std::string_view name) {
  for (;;) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || !IsLowerOrDigit(label.front()) || !IsLowerOrDigit(label.back()) ||
        !std::all_of(label.begin(), label.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '-'; })) {
      return false;
    }
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

}  // namespace

std::vector<std::string> QualifiedNameErrors(std::string_view name) {
  std::vector<std::string> errors;
  if (const auto slash = name.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = name.substr(0, slash);
    name.remove_prefix(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      errors.emplace_back("at most one '/' may separate a DNS prefix from the name");
      return errors;
    }
    if (prefix.empty()) {
      errors.emplace_back("the prefix before '/' must not be empty");
    } else {
      if (prefix.size() > kMaxPrefixLength) {
        errors.emplace_back("the prefix must not be longer than 253 characters");
      }
      if (!IsSubdomain(prefix)) {
        errors.emplace_back(
            "the prefix must be a DNS name: a-z, 0-9, '-' and '.', with a letter or digit at both "
            "ends of each label");
      }
    }
  }
  if (name.size() > kMaxNameLength) {
    errors.emplace_back("the name must not be longer than 63 characters");
  }
  if (name.empty()) {
    errors.emplace_back("the name must not be empty");
  } else if (!IsNamePart(name)) {
    errors.emplace_back(
        "the name must consist of letters, digits, '-', '_' and '.', with a letter or digit at "
        "both ends");
  }
  return errors;
}

}  // namespace downwardfs
