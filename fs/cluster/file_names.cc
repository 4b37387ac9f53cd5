// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/file_names.h"

#include <cstdio>
#include <functional>
#include <utility>

#include "fs/projection/full_view.h"

namespace downwardfs {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kCutMark = 18;  // "%~" and 16 digits

std::string Shortened(std::string name) {
  if (name.size() <= kLongestName) return name;
  char mark[kCutMark + 1];
  std::snprintf(mark, sizeof mark, "%%~%016llx", static_cast<unsigned long long>(HashOf(name)));
  name.resize(kLongestName - kCutMark);
  return name + mark;
}

}  // namespace

std::uint64_t HashOf(std::string_view text) {
  return std::hash<std::string_view>()(text);
}

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  // The finisher of splitmix64.
  std::uint64_t z = a + 0x9e3779b97f4a7c15ULL + (b << 6) + b * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::string ToFileName(std::string_view text) {
  return text.empty() ? "%" : Shortened(EscapeFileName(text));
}

std::optional<std::string> FromFileName(std::string_view name) {
  if (name == "%") return std::string();
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      text += name[i];
      continue;
    }
    const std::string_view code = name.substr(i, 3);
    if (code == "%2F") {
      text += '/';
    } else if (code == "%25") {
      text += '%';
    } else if (code == "%2E") {
      text += '.';
    } else {
      return std::nullopt;
    }
    i += 2;
  }
  // Only the canonical spelling leads anywhere, so that no object has two names.
  if (text.empty() || EscapeFileName(text) != name) return std::nullopt;
  return text;
}

std::string LinkName(std::string_view ns, std::string_view pod) {
  std::string name(ns);
  name.append(1, '_').append(pod);
  return Shortened(std::move(name));
}

}  // namespace downwardfs
