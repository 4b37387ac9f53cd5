// SPDX-License-Identifier: Apache-2.0
//
// Written here because the mounter has no JSON library: it is root, static and small, and of JSON
// it needs one flat object of strings.
#include "mount-helper/volume_data.h"

#include <cstdint>
#include <map>
#include <optional>

namespace downwardfs {
namespace {

// The members of a flat object; every method that takes something fails for good if it is not next.
class Scanner {
 public:
  explicit Scanner(std::string_view rest) : rest_(rest) {}

  std::optional<std::map<std::string, std::string>> Object() {
    std::map<std::string, std::string> members;
    if (!Take('{')) return std::nullopt;
    if (!Take('}')) {
      do {
        auto key = String();
        if (!key || !Take(':')) return std::nullopt;
        auto value = String();
        if (!value || !members.emplace(std::move(*key), std::move(*value)).second) {
          return std::nullopt;
        }
      } while (Take(','));
      if (!Take('}')) return std::nullopt;
    }
    SkipSpace();
    if (!rest_.empty()) return std::nullopt;
    return members;
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_[0]) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
  }

  bool Take(char wanted) {
    SkipSpace();
    if (rest_.empty() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> String() {
    if (!Take('"')) return std::nullopt;
    std::string out;
    for (;;) {
      if (rest_.empty()) return std::nullopt;
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out += c;
      } else if (!Escape(out)) {
        return std::nullopt;
      }
    }
  }

  bool Escape(std::string& out) {
    if (rest_.empty()) return false;
    const char kind = rest_[0];
    rest_.remove_prefix(1);
    if (kind == 'u') return CodePoint(out);
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    const auto at = kNames.find(kind);
    if (at == std::string_view::npos) return false;
    out += kBytes[at];
    return true;
  }

  // Go writes \u003c and its like for three signs of HTML and \u2028. A surrogate is in no name
  // that we compare, so that it need not be joined with its other half.
  bool CodePoint(std::string& out) {
    std::uint32_t code = 0;
    if (rest_.size() < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const auto digit = std::string_view("0123456789abcdef")
                             .find(static_cast<char>(rest_[static_cast<std::size_t>(i)] | 0x20));
      if (digit == std::string_view::npos) return false;
      code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    rest_.remove_prefix(4);
    if (code == 0 || (code >= 0xd800 && code < 0xe000)) return false;
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xc0 | (code >> 6));
      out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      out += static_cast<char>(0xe0 | (code >> 12));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      out += static_cast<char>(0x80 | (code & 0x3f));
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace

Result<VolumeData> ParseVolumeData(std::string_view json) {
  if (json.size() > kLongestVolumeData) return Invalid("is longer than 64 KiB");
  auto members = Scanner(json).Object();
  if (!members) return Invalid("is not a JSON object of strings");
  VolumeData data = {(*members)["driverName"], (*members)["specVolID"]};
  if (data.driver.empty()) return Invalid("has no driverName");
  if (data.volume.empty()) return Invalid("has no specVolID");
  return data;
}

}  // namespace downwardfs
