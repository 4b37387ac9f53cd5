// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/yaml_dump.h"

#include <utf8proc.h>

#include <cstdio>
#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

// A key longer than this may not stand before ": " on its line (YAML allows 1024 characters).
constexpr std::size_t kMaxSimpleKey = 1000;

struct Rune {
  utf8proc_int32_t code_point = 0xfffd;
  std::size_t size = 1;
  bool valid = false;
};

Rune FirstRune(std::string_view text) {
  Rune rune;
  utf8proc_int32_t code_point = 0;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  if (size > 0) rune = {code_point, static_cast<std::size_t>(size), true};
  return rune;
}

std::string ReplaceInvalid(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    out += rune.valid ? text.substr(0, rune.size) : "\xef\xbf\xbd";
    text.remove_prefix(rune.size);
  }
  return out;
}

// c-printable of YAML without what its 1.1 edition takes for a line break (NEL, LS, PS), without
// the byte order mark, tab and newline.
bool IsPrintable(utf8proc_int32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
  if (c == 0x2028 || c == 0x2029 || c == 0xfeff) return false;
  return !(c >= 0xd800 && c < 0xe000) && c != 0xfffe && c != 0xffff;
}

struct Traits {
  bool all_printable = true;  // but for newlines
  bool newlines = false;
};

Traits TraitsOf(std::string_view text) {
  Traits traits;
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    if (rune.code_point == '\n') {
      traits.newlines = true;
    } else if (!IsPrintable(rune.code_point)) {
      traits.all_printable = false;
    }
    text.remove_prefix(rune.size);
  }
  return traits;
}

// Whether the syntax allows `text`, printable and without newlines, unquoted in block context.
bool IsPlainSyntax(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  constexpr std::string_view kIndicators = ",[]{}#&*!|>'\"%@`";
  if (kIndicators.find(text.front()) != std::string_view::npos) return false;
  // '-', '?' and ':' may begin a word ("--flag"), but not stand alone, and not begin a marker.
  if (std::string_view("-?:").find(text.front()) != std::string_view::npos &&
      (text.size() == 1 || text[1] == ' ')) {
    return false;
  }
  const std::string_view start = text.substr(0, 3);
  if (start == "---" || start == "...") return false;
  return text.find(": ") == std::string_view::npos && text.find(" #") == std::string_view::npos;
}

// A literal block can hold it: its first line shows the indent, and some line is not empty.
bool IsLiteralSyntax(std::string_view text) {
  return !text.empty() && text.front() != '\n' && text.front() != ' ';
}

std::string DoubleQuoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    const auto c = rune.code_point;
    char escape[16];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (IsPrintable(c)) {
      out += text.substr(0, rune.size);
    } else {
      const char* const format = c < 0x100 ? "\\x%02X" : c < 0x10000 ? "\\u%04X" : "\\U%08X";
      std::snprintf(escape, sizeof escape, format, static_cast<unsigned>(c));
      out += escape;
    }
    text.remove_prefix(rune.size);
  }
  return out + '"';
}

std::string SingleQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + '\'';
}

// On one line.
std::string Flow(std::string_view text) {
  const Traits traits = TraitsOf(text);
  if (text.empty() || traits.newlines || !traits.all_printable || YamlReadsAsOther(text)) {
    return DoubleQuoted(text);
  }
  return IsPlainSyntax(text) ? std::string(text) : SingleQuoted(text);
}

class Emitter {
 public:
  std::string Run(const Json& value) {
    if (value.is_structured() && !value.empty()) {
      Block(value, 0);
    } else {
      Scalar(value, 2);
    }
    return std::move(out_);
  }

 private:
  void Indent(std::size_t indent) { out_.append(indent, ' '); }

  // The lines of a map or list that is not empty; the first one is indented by the caller where it
  // follows "- ".
  void Block(const Json& value, std::size_t indent, bool first_indented = false) {
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (!std::exchange(first_indented, false)) Indent(indent);
      if (value.is_array()) {
        out_ += "- ";
        Element(*it, indent);
      } else {
        Key(ReplaceInvalid(it.key()), indent);
        Member(*it, indent);
      }
    }
  }

  void Element(const Json& value, std::size_t indent) {
    if (value.is_structured() && !value.empty()) {
      Block(value, indent + 2, true);
    } else {
      Scalar(value, indent + 2);
    }
  }

  void Key(const std::string& key, std::size_t indent) {
    const std::string text = Flow(key);
    if (text.size() > kMaxSimpleKey) {
      out_ += "? " + text + '\n';
      Indent(indent);
    } else {
      out_ += text;
    }
    out_ += ':';
  }

  void Member(const Json& value, std::size_t indent) {
    if (value.is_structured() && !value.empty()) {
      out_ += '\n';
      Block(value, value.is_array() ? indent : indent + 2);
    } else {
      out_ += ' ';
      Scalar(value, indent + 2);
    }
  }

  // A scalar, {} or [], after "key: " or "- ", and its newline.
  void Scalar(const Json& value, std::size_t indent) {
    if (value.is_string()) {
      const std::string text = ReplaceInvalid(value.get_ref<const std::string&>());
      const Traits traits = TraitsOf(text);
      if (traits.newlines && traits.all_printable && IsLiteralSyntax(text)) {
        return Literal(text, indent);
      }
      out_ += Flow(text);
    } else if (value.is_object()) {
      out_ += "{}";
    } else {
      out_ += DumpJson(value);  // a number's own text, true, false, null, []
    }
    out_ += '\n';
  }

  // `|` keeps one final newline, `|-` none, `|+` all of them.
  void Literal(std::string_view text, std::size_t indent) {
    out_ += '|';
    if (text.back() != '\n') out_ += '-';
    if (text.size() > 1 && text.substr(text.size() - 2) == "\n\n") out_ += '+';
    out_ += '\n';
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      if (!line.empty()) Indent(indent);
      out_ += line;
      out_ += '\n';
      text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
    }
  }

  std::string out_;
};

}  // namespace

std::string DumpYaml(const Json& value) {
  return Emitter().Run(value);
}

}  // namespace downwardfs
