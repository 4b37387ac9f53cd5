// SPDX-License-Identifier: Apache-2.0
//
// Magnitudes beyond 64 bits, for tests that compare with recorded answers: a plain reading of
// mantissa and suffix in long double, independent of the code under test. Any thread.
#pragma once

#include <string>

namespace downwardfs::testing {

/// The magnitude of a valid quantity, about.
long double Magnitude(const std::string& quantity);

/// Whether `magnitude` is below 2^63, with room for the rounding of the long double.
bool FitsInt64(long double magnitude);

}  // namespace downwardfs::testing
