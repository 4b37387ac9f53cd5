// SPDX-License-Identifier: Apache-2.0
// The rules are those of yaml_emitter_analyze_scalar and the yaml_emitter_write_..._scalar
// functions of libyaml, oddities included; tests/projection/yaml_dump_kubectl_test.cc has what
// kubectl prints. Not followed in one thing: U+2028 and U+2029, which only YAML 1.1 takes for line
// breaks, are always escaped, since others do not read back what libyaml makes of them.
#include "fs/projection/yaml_dump_writer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "fs/projection/yaml_dump.h"

namespace downwardfs {
namespace {

constexpr std::size_t kWidth = 80;
// A key of more bytes may not stand before ": " on its line.
constexpr std::size_t kMaxSimpleKey = 128;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// c-printable of YAML as libyaml has it: without what lies beyond the basic plane (emoji), without
// tab, byte order mark and NEL.
bool IsPrintable(std::int32_t c) {
  if (c == '\n') return true;
  if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfeff) return false;
  if (c == 0x2028 || c == 0x2029) return false;
  return c < 0xd800 || (c >= 0xe000 && c < 0xfffe);
}

bool IsBreak(std::int32_t c) {
  return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool IsIn(std::int32_t c, std::string_view set) {
  return c > 0 && c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

// The traits that the styles depend on.
struct Traits {
  bool indicators = false;  // that mean something else in a plain text
  bool breaks = false;
  bool special = false;  // not printable
  bool edge = false;     // begins or ends with a blank or a break
  bool trailing_space = false;
  bool break_space = false;  // a blank after a break
  bool space_break = false;  // a blank before one
};

Traits TraitsOf(std::string_view text) {
  Traits traits;
  const std::string_view start = text.substr(0, 3);
  traits.indicators = start == "---" || start == "...";
  bool first = true;
  std::int32_t before = ' ';
  while (!text.empty()) {
    const YamlRune rune = FirstRune(text);
    const std::int32_t c = rune.code_point;
    text.remove_prefix(rune.size);
    const bool blank_follows = text.empty() || text.front() == ' ' || text.front() == '\t';
    const bool after_blank = IsIn(before, " \t") || before == 0 || IsBreak(before);
    traits.indicators |= (first && IsIn(c, "#,[]{}&*!|>'\"%@`")) ||
                         (first && IsIn(c, "-?") && blank_follows) || (c == ':' && blank_follows) ||
                         (!first && c == '#' && after_blank);
    traits.special |= !IsPrintable(c);
    const bool edge = first || text.empty();
    traits.breaks |= IsBreak(c);
    traits.edge |= edge && (c == ' ' || IsBreak(c));
    traits.trailing_space |= text.empty() && c == ' ';
    if (!first) {
      traits.break_space |= c == ' ' && IsBreak(before);
      traits.space_break |= IsBreak(c) && before == ' ';
    }
    before = c;
    first = false;
  }
  return traits;
}

std::string Escape(std::int32_t c) {
  // Without libyaml's \N and \_, of which yaml-cpp makes half a character; kubectl itself fails at
  // U+0085.
  constexpr std::array<std::pair<std::int32_t, char>, 13> kShort = {{{0, '0'},
                                                                     {7, 'a'},
                                                                     {8, 'b'},
                                                                     {9, 't'},
                                                                     {0xa, 'n'},
                                                                     {0xb, 'v'},
                                                                     {0xc, 'f'},
                                                                     {0xd, 'r'},
                                                                     {0x1b, 'e'},
                                                                     {'"', '"'},
                                                                     {'\\', '\\'},
                                                                     {0x2028, 'L'},
                                                                     {0x2029, 'P'}}};
  for (const auto& [code_point, letter] : kShort) {
    if (c == code_point) return {'\\', letter};
  }
  char escape[16];
  const char* const format = c < 0x100 ? "\\x%02X" : c < 0x10000 ? "\\u%04X" : "\\U%08X";
  std::snprintf(escape, sizeof escape, format, static_cast<unsigned>(c));
  return escape;
}

}  // namespace

YamlRune FirstRune(std::string_view text) {
  YamlRune rune;
  if (!text.empty() && static_cast<unsigned char>(text.front()) < 0x80)
    return {text.front(), 1, true};
  utf8proc_int32_t code_point = 0;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  if (size > 0) rune = {code_point, static_cast<std::size_t>(size), true};
  return rune;
}

YamlWriter::Style YamlWriter::StyleOf(std::string_view text) {
  if (text.empty()) return Style::kDoubleQuoted;
  const Traits traits = TraitsOf(text);
  if (text.find('\n') != std::string_view::npos) {
    const bool literal = !traits.trailing_space && !traits.space_break && !traits.special;
    return literal ? Style::kLiteral : Style::kDoubleQuoted;
  }
  if (traits.special || YamlReadsAsOther(text)) return Style::kDoubleQuoted;
  return traits.indicators || traits.edge ? Style::kSingleQuoted : Style::kPlain;
}

void YamlWriter::Put(std::string_view rune) {
  out_ += rune;
  ++column_;
}

void YamlWriter::Break() {
  out_ += '\n';
  column_ = 0;
  indention_ = true;
}

bool YamlWriter::IsLong() const {
  return column_ > kWidth;
}

void YamlWriter::Indicator(std::string_view text, Spacing spacing) {
  if (spacing.before && !whitespace_) Put(" ");
  for (const char c : text) Put({&c, 1});
  whitespace_ = false;
  indention_ = indention_ && spacing.indents;
}

void YamlWriter::Indent(std::size_t column) {
  if (!indention_ || column_ > column || (column_ == column && !whitespace_)) Break();
  while (column_ < column) Put(" ");
  whitespace_ = true;
  indention_ = true;
}

bool YamlWriter::IsSimpleKey(std::string_view text) {
  return text.size() <= kMaxSimpleKey && !TraitsOf(text).breaks;
}

void YamlWriter::Key(std::string_view text) {
  switch (StyleOf(text)) {
    case Style::kPlain:
      return Plain(text, 0, false);
    case Style::kSingleQuoted:
      return SingleQuoted(text, 0, false);
    case Style::kDoubleQuoted:
    case Style::kLiteral:
      return DoubleQuoted(text, 0, false);
  }
}

void YamlWriter::String(std::string_view text, std::size_t indent) {
  switch (StyleOf(text)) {
    case Style::kPlain:
      return Plain(text, indent, true);
    case Style::kSingleQuoted:
      return SingleQuoted(text, indent, true);
    case Style::kDoubleQuoted:
      return DoubleQuoted(text, indent, true);
    case Style::kLiteral:
      return Literal(text, indent);
  }
}

void YamlWriter::Word(std::string_view text) {
  Plain(text, 0, false);
}

// A lone blank far to the right may become a line break, which is read as one blank.
void YamlWriter::Plain(std::string_view text, std::size_t indent, bool fold) {
  if (!whitespace_) Put(" ");
  if (!fold || column_ + text.size() <= kWidth) {
    out_ += text;
    column_ += static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
    text = {};
  }
  bool spaces = false;
  while (!text.empty()) {
    const YamlRune rune = FirstRune(text);
    const bool space = rune.code_point == ' ';
    if (space && fold && !spaces && IsLong() && text.substr(1, 1) != " ") {
      Indent(indent);
    } else {
      Put(text.substr(0, rune.size));
      indention_ = indention_ && space;
    }
    spaces = space;
    text.remove_prefix(rune.size);
  }
  whitespace_ = false;
  indention_ = false;
}

void YamlWriter::SingleQuoted(std::string_view text, std::size_t indent, bool fold) {
  Indicator("'", {true, false});
  bool spaces = false;
  for (bool first = true; !text.empty(); first = false) {
    const YamlRune rune = FirstRune(text);
    const bool space = rune.code_point == ' ';
    if (space && fold && !spaces && IsLong() && !first && text.size() > 1 && text[1] != ' ') {
      Indent(indent);
    } else {
      if (rune.code_point == '\'') Put("'");
      Put(text.substr(0, rune.size));
      indention_ = indention_ && space;
    }
    spaces = space;
    text.remove_prefix(rune.size);
  }
  Indicator("'", {});
  indention_ = false;
}

void YamlWriter::DoubleQuoted(std::string_view text, std::size_t indent, bool fold) {
  Indicator("\"", {true, false});
  // libyaml looks for the mark at the beginning of the text, whichever character it is about.
  const bool all = text.substr(0, kByteOrderMark.size()) == kByteOrderMark;
  bool spaces = false;
  for (bool first = true; !text.empty(); first = false) {
    const YamlRune rune = FirstRune(text);
    const std::int32_t c = rune.code_point;
    const bool space = c == ' ' && !all;
    if (all || !IsPrintable(c) || IsBreak(c) || c == '"' || c == '\\') {
      for (const char letter : Escape(c)) Put({&letter, 1});
    } else if (space && fold && !spaces && IsLong() && !first && text.size() > 1) {
      Indent(indent);
      if (text[1] == ' ') Put("\\");
    } else {
      Put(text.substr(0, rune.size));
    }
    spaces = space;
    text.remove_prefix(rune.size);
  }
  Indicator("\"", {});
  indention_ = false;
}

// `|` keeps one final newline, `|-` none, `|+` all of them; a digit says how deep the block is
// where its first line does not show it.
void YamlWriter::Literal(std::string_view text, std::size_t indent) {
  Indicator("|", {true, false});
  if (text.front() == ' ' || text.front() == '\n') Indicator("2", {});
  if (text.back() != '\n') {
    Indicator("-", {});
  } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
    Indicator("+", {});
  }
  Break();
  whitespace_ = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) {
      Indent(indent);
      Put(line);
      indention_ = false;
    }
    if (end == std::string_view::npos) return;
    Break();
    text.remove_prefix(end + 1);
  }
}

}  // namespace downwardfs
