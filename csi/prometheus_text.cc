// SPDX-License-Identifier: Apache-2.0
#include "csi/prometheus_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace downwardfs {
namespace {

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// The shortest digits that give the same number.
std::string Number(double value) {
  return fmt::format("{}", value);
}

void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

}  // namespace

void DurationHistogram::Add(std::chrono::nanoseconds took) {
  const auto* const bound = std::lower_bound(kBounds.begin(), kBounds.end(), Seconds(took));
  counts_[static_cast<std::size_t>(bound - kBounds.begin())].fetch_add(1,
                                                                       std::memory_order_relaxed);
  sum_.fetch_add(took.count(), std::memory_order_relaxed);
}

DurationHistogram::Snapshot DurationHistogram::Take() const {
  Snapshot out;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    out.counts[i] = counts_[i].load(std::memory_order_relaxed);
  }
  out.sum = std::chrono::nanoseconds(sum_.load(std::memory_order_relaxed));
  return out;
}

void PrometheusText::Family(std::string_view name, Type type, std::string_view help) {
  static constexpr const char* kTypes[] = {"gauge", "counter", "histogram"};
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                       kTypes[static_cast<std::size_t>(type)]);
}

void PrometheusText::Sample(const Labels& labels, const DurationHistogram::Snapshot& durations) {
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < durations.counts.size(); ++i) {
    so_far += durations.counts[i];
    Labels bucket = labels;
    bucket["le"] = i < DurationHistogram::kBounds.size() ? Number(DurationHistogram::kBounds[i])
                                                         : std::string("+Inf");
    Line("_bucket", bucket, static_cast<double>(so_far));
  }
  Line("_sum", labels, Seconds(durations.sum));
  Line("_count", labels, static_cast<double>(so_far));
}

void PrometheusText::Line(std::string_view ending, const Labels& labels, double value) {
  text_ += name_;
  text_ += ending;
  char before = '{';
  for (const auto& [name, label] : labels) {
    text_ += before;
    text_ += name;
    text_ += "=\"";
    AppendEscaped(text_, label);
    text_ += '"';
    before = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
  text_ += Number(value);
  text_ += '\n';
}

}  // namespace downwardfs
