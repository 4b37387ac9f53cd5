// SPDX-License-Identifier: Apache-2.0
// Medians, percentiles and the lines of a benchmark's table. Pure functions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace downwardfs::bench {

/// The value that `part` (0..1) of all are not above; 0 of none.
inline double Percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(part * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

inline double Median(std::vector<double> values) {
  return Percentile(std::move(values), 0.5);
}

}  // namespace downwardfs::bench
