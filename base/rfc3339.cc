// SPDX-License-Identifier: Apache-2.0
#include "base/rfc3339.h"

#include <algorithm>

namespace downwardfs {
namespace {

// Takes exactly `width` digits off the front; -1 if they are not there.
int TakeNumber(std::string_view& text, std::size_t width) {
  if (text.size() < width) return -1;
  int value = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || (text.front() | 0x20) != (c | 0x20)) return false;
  text.remove_prefix(1);
  return true;
}

// hh:mm as a duration, nothing if it is not one.
std::optional<std::chrono::minutes> TakeHourMinute(std::string_view& text) {
  const int hour = TakeNumber(text, 2);
  if (hour < 0 || hour > 23 || !Take(text, ':')) return std::nullopt;
  const int minute = TakeNumber(text, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  return std::chrono::hours(hour) + std::chrono::minutes(minute);
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> ParseRfc3339(std::string_view text) {
  using namespace std::chrono;
  const int y = TakeNumber(text, 4);
  if (y < 0 || !Take(text, '-')) return std::nullopt;
  const int m = TakeNumber(text, 2);
  if (m < 0 || !Take(text, '-')) return std::nullopt;
  const int d = TakeNumber(text, 2);
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (d < 0 || !date.ok() || !Take(text, 'T')) return std::nullopt;
  const auto time = TakeHourMinute(text);
  if (!time || !Take(text, ':')) return std::nullopt;
  const int second = TakeNumber(text, 2);
  if (second < 0 || second > 60) return std::nullopt;
  // Fractions are read over: nothing here is decided within a second.
  if (Take(text, '.')) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    text.remove_prefix(digits);
  }
  minutes offset{0};
  if (!Take(text, 'Z')) {
    const bool west = !text.empty() && text.front() == '-';
    if (text.empty() || (text.front() != '-' && text.front() != '+')) return std::nullopt;
    text.remove_prefix(1);
    const auto given = TakeHourMinute(text);
    if (!given) return std::nullopt;
    offset = west ? -*given : *given;
  }
  if (!text.empty()) return std::nullopt;
  // The system clock counts nanoseconds, from 1677 to 2262; a year of 9999 stands for "never".
  constexpr auto kFirst = ceil<seconds>(system_clock::time_point::min());
  constexpr auto kLast = floor<seconds>(system_clock::time_point::max());
  const sys_seconds moment = sys_days(date) + *time + seconds(second) - offset;
  return std::clamp(moment, kFirst, kLast);
}

std::int64_t Rfc3339Seconds(std::string_view text) {
  const auto time = ParseRfc3339(text);
  if (!time) return 0;
  return std::chrono::floor<std::chrono::seconds>(time->time_since_epoch()).count();
}

}  // namespace downwardfs
