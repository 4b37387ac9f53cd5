// SPDX-License-Identifier: Apache-2.0
// GoogleMock's matchers for the tests in downwardfs::testing, which would not see them otherwise.
#pragma once

#include <gmock/gmock.h>

namespace downwardfs::testing {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

}  // namespace downwardfs::testing
