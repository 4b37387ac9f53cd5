// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/magnitude.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace downwardfs::testing {

long double Magnitude(const std::string& text) {
  const auto end_of_number = std::min(text.find_first_not_of("+-.0123456789"), text.size());
  const long double mantissa =
      std::fabs(std::strtold(text.substr(0, end_of_number).c_str(), nullptr));
  const std::string suffix = text.substr(end_of_number);
  const auto power = [](long double base, long double exponent) {
    return std::pow(base, exponent);
  };
  if (mantissa == 0 || suffix.empty()) return mantissa;
  if (suffix.size() == 2 && suffix[1] == 'i') {
    return mantissa *
           power(1024, 1 + static_cast<long double>(std::string_view("KMGTPE").find(suffix[0])));
  }
  if (suffix.size() == 1) {
    return mantissa *
           power(1000,
                 static_cast<long double>(std::string_view("num kMGTPE").find(suffix[0])) - 3);
  }
  // Cut to 32 bits, as the rule has it. So low an exponent may wrap when digits follow the point.
  const auto exponent = static_cast<std::int32_t>(std::strtoll(suffix.c_str() + 1, nullptr, 10));
  if (exponent < std::numeric_limits<std::int32_t>::min() + 1000) return HUGE_VALL;
  return mantissa * power(10, exponent);
}

bool FitsInt64(long double magnitude) {
  return magnitude < 9.223372036854775e18L;
}

}  // namespace downwardfs::testing
