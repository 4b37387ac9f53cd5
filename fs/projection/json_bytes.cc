// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/json_bytes.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::string_view kMark = "\xef\xb7\x90";  // U+FDD0
constexpr int kMarkUnit = 0xfdd0;
constexpr char kMarkItself = 'X';
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

int HexValue(char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto at = kHex.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// The number that four hex digits at the start of `text` make; -1 if there are no four.
int FourDigits(std::string_view text) {
  if (text.size() < 4) return -1;
  int unit = 0;
  for (const char c : text.substr(0, 4)) {
    const int digit = HexValue(c);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

// The code unit of the escape `\uXXXX` at the start of `text`; -1 if `text` starts otherwise.
// else.
int UnicodeEscape(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
  return FourDigits(text.substr(2));
}

bool IsHigh(int unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}
bool IsLow(int unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}
bool IsSurrogate(int unit) {
  return IsHigh(unit) || IsLow(unit);
}

// A character that a quantity can have, or white space that is trimmed around it. Control
// characters are not among it: DecodeQuantity() refuses them, as only an escape can write one.
bool MattersToQuantities(int unit) {
  if (unit < 0) return false;
  if (unit < 0x7f) {
    return std::string_view(" 0123456789.+-eEinumkKMGTP").find(static_cast<char>(unit)) !=
           std::string_view::npos;
  }
  return unit == 0x85 || unit == 0xa0 || unit == 0x1680 || (unit >= 0x2000 && unit <= 0x200a) ||
         unit == 0x2028 || unit == 0x2029 || unit == 0x202f || unit == 0x205f || unit == 0x3000;
}

bool HasEscapeToRewrite(std::string_view json) {
  for (std::size_t at = json.find("\\u"); at != std::string_view::npos;
       at = json.find("\\u", at + 2)) {
    const int unit = UnicodeEscape(json.substr(at));
    if (IsSurrogate(unit) || MattersToQuantities(unit)) return true;
  }
  return false;
}

class Rewriter {
 public:
  explicit Rewriter(std::string_view in) : in_(in) {}

  std::string Run() {
    out_.reserve(in_.size() + in_.size() / 8);
    while (!in_.empty()) {
      if (in_[0] == '\\' && in_.size() >= 2) {
        Escape();
      } else if (static_cast<unsigned char>(in_[0]) < 0x80) {
        Copy(1);
      } else {
        Multibyte();
      }
    }
    return std::move(out_);
  }

 private:
  void Copy(std::size_t n) {
    out_ += in_.substr(0, n);
    in_.remove_prefix(n);
  }

  void Multibyte() {
    if (in_.substr(0, kMark.size()) == kMark) {
      Copy(kMark.size());
      out_ += kMarkItself;
      return;
    }
    std::size_t n = 1;
    while (n < 4 && n < in_.size() && !IsValidUtf8(in_.substr(0, n))) ++n;
    if (IsValidUtf8(in_.substr(0, n))) return Copy(n);
    out_ += kReplacement;
    in_.remove_prefix(1);
  }

  void Escape() {
    const int unit = UnicodeEscape(in_);
    if (unit < 0) return Copy(2);
    if (unit == kMarkUnit) {
      out_ += kMark;
      out_ += kMarkItself;
    } else if (MattersToQuantities(unit)) {
      out_ += kMark;
      out_ += in_.substr(2, 4);
    } else if (!IsSurrogate(unit)) {
      return Copy(6);
    } else if (IsHigh(unit) && IsLow(UnicodeEscape(in_.substr(6)))) {
      return Copy(12);
    } else {
      out_ += kReplacement;
    }
    in_.remove_prefix(6);
  }

  std::string_view in_;
  std::string out_;
};

}  // namespace

std::optional<std::string> RepairJson(std::string_view json) {
  if (IsValidUtf8(json) && !HasEscapeToRewrite(json)) return std::nullopt;
  return Rewriter(json).Run();
}

std::string UnmarkEscapes(std::string_view text, bool keep_escapes) {
  std::string out;
  for (;;) {
    const auto at = text.find(kMark);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + kMark.size());
    const int unit = FourDigits(text);
    if (unit < 0) {
      out += kMark;
      if (!text.empty() && text[0] == kMarkItself) text.remove_prefix(1);
      continue;
    }
    if (keep_escapes) {
      out += "\\u";
      out += text.substr(0, 4);
    } else {
      AppendUtf8(out, static_cast<char32_t>(unit));
    }
    text.remove_prefix(4);
  }
}

}  // namespace downwardfs
