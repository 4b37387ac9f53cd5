// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/pod_table.h"

#include <algorithm>

#include "base/text.h"
#include "fs/cluster/pod_state.h"

namespace downwardfs {
namespace {

using std::chrono::seconds;

constexpr std::size_t kGap = 3;
constexpr char kNone[] = "<none>";

const PodRow& Heading() {
  static const PodRow heading = {"NAME", "READY", "STATUS",         "RESTARTS",       "AGE",
                                 "IP",   "NODE",  "NOMINATED NODE", "READINESS GATES"};
  return heading;
}

std::string OrNone(std::string text) {
  return text.empty() ? kNone : std::move(text);
}

std::string Two(std::int64_t large, const char* large_unit, std::int64_t small,
                const char* small_unit) {
  std::string text = std::to_string(large) + large_unit;
  if (small != 0) text += std::to_string(small) + small_unit;
  return text;
}

// How wide a terminal shows it, near enough: one column per character.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

// apimachinery's duration.HumanDuration.
std::string HumanDuration(seconds duration) {
  const std::int64_t s = duration.count();
  const std::int64_t minutes = s / 60;
  const std::int64_t hours = minutes / 60;
  const std::int64_t days = hours / 24;
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 120) return std::to_string(s) + "s";
  if (minutes < 10) return Two(minutes, "m", s % 60, "s");
  if (minutes < 180) return std::to_string(minutes) + "m";
  if (hours < 8) return Two(hours, "h", minutes % 60, "m");
  if (hours < 48) return std::to_string(hours) + "h";
  if (hours < 192) return Two(days, "d", hours % 24, "h");
  if (days < 730) return std::to_string(days) + "d";
  if (days < 2920) return Two(days / 365, "y", days % 365, "d");
  return std::to_string(days / 365) + "y";
}

PodRow MakePodRow(const std::string& json, std::chrono::system_clock::time_point now) {
  const PodState state = ReadPodState(json);
  std::string age = "<unknown>";
  if (state.created != 0) {
    age =
        HumanDuration(std::chrono::floor<seconds>(now.time_since_epoch()) - seconds(state.created));
  }
  const std::string gates =
      state.gates == 0 ? kNone
                       : std::to_string(state.open_gates) + "/" + std::to_string(state.gates);
  return {OneLine(state.name),
          std::to_string(state.ready) + "/" + std::to_string(state.containers),
          OneLine(state.reason),
          std::to_string(state.restarts),
          std::move(age),
          OrNone(OneLine(state.ip)),
          OrNone(OneLine(state.node)),
          OrNone(OneLine(state.nominated_node)),
          gates};
}

std::string FormatPodTable(const std::vector<PodRow>& rows) {
  std::array<std::size_t, kPodColumns> widths{};
  const auto measure = [&](const PodRow& row) {
    for (std::size_t i = 0; i < kPodColumns; ++i) widths[i] = std::max(widths[i], Width(row[i]));
  };
  measure(Heading());
  for (const PodRow& row : rows) measure(row);
  std::string out;
  const auto print = [&](const PodRow& row) {
    for (std::size_t i = 0; i + 1 < kPodColumns; ++i) {
      out += row[i];
      out.append(widths[i] - Width(row[i]) + kGap, ' ');
    }
    out += row.back();
    out += '\n';
  };
  print(Heading());
  for (const PodRow& row : rows) print(row);
  return out;
}

}  // namespace downwardfs
