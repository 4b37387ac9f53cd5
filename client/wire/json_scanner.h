// SPDX-License-Identifier: Apache-2.0
//
// Finds where a JSON value ends, in bytes that come in any chunking. It knows strings, escapes and
// matching brackets and nothing else: what lies between them is checked later, object by object, by
// simdjson, which needs a whole value in memory. Owned by one splitter; one thread at a time.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <string_view>

namespace downwardfs::client {

/// Follows one object or array from its opening bracket to its closing one.
class JsonScanner {
 public:
  /// The decoder of the projected object stops at the same depth.
  static constexpr std::size_t kMaxDepth = 1000;

  enum class Outcome { kMore, kComplete, kMismatch, kTooDeep };

  /// Forgets the value it was in.
  void Reset() {
    depth_ = 0;
    in_string_ = escaped_ = false;
  }

  /// Reads up to the end of the value (or of `bytes`) and sets `consumed`. The first byte after
  /// Reset() must be the opening bracket.
  Outcome Scan(std::string_view bytes, std::size_t* consumed);

 private:
  Outcome Open(bool is_object);
  Outcome Close(bool is_object);

  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  /// Per level: is it an object?
  std::bitset<kMaxDepth> is_object_;
};

}  // namespace downwardfs::client
