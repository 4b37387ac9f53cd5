// SPDX-License-Identifier: Apache-2.0
// The text that Prometheus reads: "Text-based format", version 0.0.4, of its documentation
// ("Exposition formats"). One writer makes one answer; not for several threads.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>

namespace downwardfs {

/// How long things took, in buckets. Any thread.
class DurationHistogram {
 public:
  static constexpr std::array<double, 13> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                     0.25,  0.5,    1,     2.5,  5,     10};  // s
  struct Snapshot {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};  ///< of each bucket alone
    std::chrono::nanoseconds sum{0};
  };

  void Add(std::chrono::nanoseconds took);
  Snapshot Take() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::int64_t> sum_{0};  // ns
};

class PrometheusText {
 public:
  using Labels = std::map<std::string, std::string>;
  enum class Type { kGauge, kCounter, kHistogram };

  /// Begins a family; its samples follow. `help`: one line.
  void Family(std::string_view name, Type type, std::string_view help);
  /// A family of one sample, which has no label.
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void Family(std::string_view name, Type type, std::string_view help, Number value) {
    Family(name, type, help);
    Sample({}, value);
  }
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void Sample(const Labels& labels, Number value) { Line("", labels, static_cast<double>(value)); }
  void Sample(const Labels& labels, const DurationHistogram::Snapshot& durations);

  const std::string& text() const { return text_; }

 private:
  void Line(std::string_view ending, const Labels& labels, double value);

  std::string text_;
  std::string name_;
};

}  // namespace downwardfs
