// SPDX-License-Identifier: Apache-2.0
#include "yaml/yaml_encoding.h"

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
constexpr std::string_view kUtf16Little = "\xff\xfe";
constexpr std::string_view kUtf16Big = "\xfe\xff";

Result<std::string> FromUtf16(std::string_view text, bool big) {
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const auto second = static_cast<unsigned char>(text[at + 1]);
    return static_cast<char32_t>(big ? first << 8 | second : second << 8 | first);
  };
  if (text.size() % 2 != 0) return Invalid("the UTF-16 text is cut off");
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    char32_t rune = unit(at);
    if (rune >= 0xd800 && rune < 0xe000) {
      const char32_t low = rune < 0xdc00 && at + 2 < text.size() ? unit(at + 2) : 0;
      if (low < 0xdc00 || low >= 0xe000) {
        return Invalid("the UTF-16 text has half a character at byte " + std::to_string(at + 2));
      }
      rune = 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
      at += 2;
    }
    AppendUtf8(out, rune);
  }
  return out;
}

// Whether the line that ends before `at` separates documents.
bool FollowsSeparator(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  if (text[at - 1] != '\n') return false;
  const auto start = at < 2 ? std::string_view::npos : text.rfind('\n', at - 2);
  const auto line = text.substr(start == std::string_view::npos ? 0 : start + 1);
  return line.substr(0, 3) == "---";
}

}  // namespace

Result<std::optional<std::string>> YamlTextInUtf8(std::string_view text) {
  const std::string_view two = text.substr(0, 2);
  if (two == kUtf16Little || two == kUtf16Big) {
    auto utf8 = FromUtf16(text.substr(2), two == kUtf16Big);
    if (!utf8) return Fail(std::move(utf8.error()));
    return std::optional(std::move(*utf8));
  }
  auto at = text.find(kUtf8Mark);
  if (at == std::string_view::npos) return std::optional<std::string>();
  std::string out;
  std::size_t copied = 0;
  for (; at != std::string_view::npos; at = text.find(kUtf8Mark, at + kUtf8Mark.size())) {
    if (!FollowsSeparator(text, at)) continue;
    out += text.substr(copied, at - copied);
    copied = at + kUtf8Mark.size();
  }
  out += text.substr(copied);
  return std::optional(std::move(out));
}

}  // namespace downwardfs
