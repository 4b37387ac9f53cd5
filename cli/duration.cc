// SPDX-License-Identifier: Apache-2.0
#include "cli/duration.h"

#include <charconv>
#include <cstdint>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::int64_t kYear = std::int64_t{365} * 24 * 3'600'000;

// Takes the unit at the front of `text`; 0 if `text` does not start with one.
std::int64_t TakeUnit(std::string_view* text) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  for (const Unit& unit :
       {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}}) {
    if (!text->starts_with(unit.name)) continue;
    text->remove_prefix(unit.name.size());
    return unit.milliseconds;
  }
  return 0;
}

}  // namespace

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const auto bad = [text](const char* rule) {
    return Fail(ErrorCode::kInvalidArgument, QuoteForMessage(text) + ": " + rule);
  };
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return bad("must be a duration such as 30s or 1m30s");
  std::int64_t total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (rest.front() == '-' || error == std::errc::invalid_argument) {
      return bad("must be a duration such as 30s or 1m30s");
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::int64_t unit = TakeUnit(&rest);
    if (unit == 0) return bad("must be a duration such as 30s or 1m30s");
    if (error != std::errc() || number > kYear / unit || total + number * unit > kYear) {
      return bad("must be at most a year");
    }
    total += number * unit;
  }
  return std::chrono::milliseconds(total);
}

}  // namespace downwardfs
