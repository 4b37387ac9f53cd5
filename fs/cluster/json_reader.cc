// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/json_reader.h"

#include <chrono>
#include <cstdio>

#include "base/text.h"

namespace downwardfs::cluster_json {

bool Reader::Read(const std::string& json, Object* root) {
  Element element;
  auto code = parser_.parse(json).get(element);
  if (code == simdjson::UTF8_ERROR) {
    repaired_ = json;
    for (std::size_t at = 0, bad = 0; at < repaired_.size(); at += bad + 1) {
      bad = FirstInvalidUtf8(std::string_view(repaired_).substr(at));
      if (bad == std::string_view::npos) break;
      repaired_[at + bad] = '?';
    }
    code = parser_.parse(repaired_).get(element);
  }
  return code == simdjson::SUCCESS && element.get(*root) == simdjson::SUCCESS;
}

std::string_view Text(Object object, std::string_view key) {
  std::string_view value;
  if (object[key].get(value) != simdjson::SUCCESS) return {};
  return value;
}

std::int64_t Number(Object object, std::string_view key) {
  std::int64_t value = 0;
  if (object[key].get(value) != simdjson::SUCCESS) return 0;
  return value;
}

bool Flag(Object object, std::string_view key) {
  bool value = false;
  return object[key].get(value) == simdjson::SUCCESS && value;
}

bool Member(Object object, std::string_view key, Object* member) {
  return object[key].get(*member) == simdjson::SUCCESS;
}

std::int64_t ToSeconds(std::string_view timestamp) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const std::string text(timestamp.substr(0, 19));
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return 0;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return 0;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  const std::chrono::seconds time =
      days + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  return time.count();
}

}  // namespace downwardfs::cluster_json
