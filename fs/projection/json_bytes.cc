// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/json_bytes.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::string_view kMark = "\xef\xb7\x90";  // U+FDD0
constexpr char kMarkItself = 'X';
constexpr char kHex[] = "0123456789abcdef";

int HexValue(char c) {
  const auto at =
      std::string_view(kHex).find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// The code unit of the escape `\uXXXX` at the start of `text`; -1 if there is none.
int UnicodeEscape(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
  int unit = 0;
  for (const char c : text.substr(2, 4)) {
    const int digit = HexValue(c);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
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

bool HasSurrogateEscape(std::string_view json) {
  for (std::size_t at = json.find("\\u"); at != std::string_view::npos;
       at = json.find("\\u", at + 2)) {
    if (IsSurrogate(UnicodeEscape(json.substr(at)))) return true;
  }
  return false;
}

class Rewriter {
 public:
  Rewriter(std::string_view in, bool keep) : in_(in), keep_(keep) {}

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
    if (keep_ && in_.substr(0, kMark.size()) == kMark) {
      Copy(kMark.size());
      out_ += kMarkItself;
      return;
    }
    std::size_t n = 1;
    while (n < 4 && n < in_.size() && !IsValidUtf8(in_.substr(0, n))) ++n;
    if (IsValidUtf8(in_.substr(0, n))) return Copy(n);
    if (keep_) {
      const auto byte = static_cast<unsigned char>(in_[0]);
      out_ += kMark;
      out_ += kHex[byte >> 4];
      out_ += kHex[byte & 15];
    } else {
      out_ += "\xef\xbf\xbd";
    }
    in_.remove_prefix(1);
  }

  void Escape() {
    const int unit = UnicodeEscape(in_);
    if (unit < 0) return Copy(2);
    if (keep_ && unit == 0xfdd0) {
      out_ += kMark;
      out_ += kMarkItself;
      in_.remove_prefix(6);
      return;
    }
    if (!IsSurrogate(unit)) return Copy(6);
    const int next = UnicodeEscape(in_.substr(6));
    if (IsHigh(unit) && IsLow(next)) return Copy(12);
    out_ += "\\ufffd";
    in_.remove_prefix(6);
    if (keep_ && IsSurrogate(next)) {
      out_ += "\\ufffd";
      in_.remove_prefix(6);
    }
  }

  std::string_view in_;
  const bool keep_;
  std::string out_;
};

}  // namespace

std::optional<std::string> MarkInvalidBytes(std::string_view json, bool keep) {
  if (IsValidUtf8(json) && !HasSurrogateEscape(json)) return std::nullopt;
  return Rewriter(json, keep).Run();
}

std::string UnmarkBytes(std::string_view text) {
  std::string out;
  for (;;) {
    const auto at = text.find(kMark);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + kMark.size());
    const int high = text.empty() ? -1 : HexValue(text[0]);
    const int low = text.size() < 2 ? -1 : HexValue(text[1]);
    if (high >= 0 && low >= 0) {
      out += static_cast<char>(high * 16 + low);
      text.remove_prefix(2);
    } else {
      out += kMark;
      if (!text.empty() && text[0] == kMarkItself) text.remove_prefix(1);
    }
  }
}

}  // namespace downwardfs
