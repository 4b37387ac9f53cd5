// SPDX-License-Identifier: Apache-2.0
//
// Which of two states of an object is older. Clients must treat a resourceVersion as opaque; the
// one thing we read from it is order, and only between states that one stream delivered, so that a
// repeated or late event does no harm. Servers whose versions are not decimal numbers simply get no
// such protection. Any thread.
#pragma once

#include <algorithm>
#include <string_view>

namespace downwardfs::client {

/// True if both are decimal numbers and `a` is the smaller one.
inline bool IsOlder(std::string_view a, std::string_view b) {
  const auto is_number = [](std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!is_number(a) || !is_number(b)) return false;
  const auto strip = [](std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
    return text;
  };
  a = strip(a);
  b = strip(b);
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace downwardfs::client
