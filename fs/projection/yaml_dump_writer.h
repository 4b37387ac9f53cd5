// SPDX-License-Identifier: Apache-2.0
//
// Puts YAML scalars and indicators on lines as libyaml's emitter does, whose port kubectl prints
// with: which style a text needs, where a long one is folded, how many blanks stand before. Used by
// yaml_dump.cc alone; a value, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace downwardfs {

/// A code point of UTF-8 text and its bytes; what is not UTF-8 counts as one byte, U+FFFD.
struct YamlRune {
  std::int32_t code_point = 0xfffd;
  std::size_t size = 1;
  bool valid = false;
};
YamlRune FirstRune(std::string_view text);

/// See the head of this file. Texts are UTF-8.
class YamlWriter {
 public:
  /// "- ", "?", ":", "{}".
  struct Spacing {
    bool before = false;   ///< a blank, where none is there already
    bool indents = false;  ///< the rest of this line may be the first of a block
  };
  void Indicator(std::string_view text, Spacing spacing);
  /// Goes to that column, on a new line unless nothing but indicators stands before it on this one.
  void Indent(std::size_t column);

  /// A text on one line, if it is a key that may stand before its ":".
  static bool IsSimpleKey(std::string_view text);
  void Key(std::string_view text);
  /// A string as a value; what does not fit on its line goes on at the column `indent`.
  void String(std::string_view text, std::size_t indent);
  /// A number, true, false, null.
  void Word(std::string_view text);

  std::string Take() { return std::move(out_); }

 private:
  enum class Style { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral };
  static Style StyleOf(std::string_view text);

  void Put(std::string_view rune);
  void Break();
  // Until the line is this long a text is not folded at a blank.
  bool IsLong() const;
  void Plain(std::string_view text, std::size_t indent, bool fold);
  void SingleQuoted(std::string_view text, std::size_t indent, bool fold);
  void DoubleQuoted(std::string_view text, std::size_t indent, bool fold);
  void Literal(std::string_view text, std::size_t indent);

  std::string out_;
  std::size_t column_ = 0;  // in runes
  bool whitespace_ = true;  // the last thing was
  bool indention_ = true;   // nothing but indent and indicators on this line
};

}  // namespace downwardfs
