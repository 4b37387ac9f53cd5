// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/status_pages.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <system_error>
#include <utility>

namespace downwardfs {
namespace {

constexpr std::size_t kMostAskers = 2;
constexpr std::size_t kLongestWord = 32;

}  // namespace

std::optional<std::string> StatusPages::Page(std::string_view word_and_page,
                                             const std::function<std::string()>& status) {
  const std::size_t dot = word_and_page.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > kLongestWord) return std::nullopt;
  const std::string_view word = word_and_page.substr(0, dot);
  const std::string_view digits = word_and_page.substr(dot + 1);
  std::uint32_t page = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), page);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  std::string made;
  if (page == 0) made = status ? status() : "{}";
  MutexLock lock(mutex_);
  auto asked = std::find_if(asked_.begin(), asked_.end(),
                            [word](const Asked& one) { return one.word == word; });
  if (page == 0) {
    if (asked != asked_.end()) asked_.erase(asked);
    asked_.push_back({std::string(word), std::move(made)});
    if (asked_.size() > kMostAskers) asked_.pop_front();
    asked = std::prev(asked_.end());
  }
  const std::size_t from = std::size_t{page} * kStatusPage;
  if (asked == asked_.end() || from > asked->text.size()) return std::nullopt;
  std::string text = asked->text.substr(from, kStatusPage);
  if (text.size() < kStatusPage) asked_.erase(asked);  // it was the last one
  return text;
}

}  // namespace downwardfs
