// SPDX-License-Identifier: Apache-2.0
// fieldRef against the recorded answers of Kubernetes' pkg/fieldpath.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/projection/field_ref.h"
#include "tests/projection/unicode_since_13.h"
#include "tests/projection/vectors.h"

namespace downwardfs::testing {
namespace {

// Rule: what the kubelet answers, we answer; what it refuses, `kubelet_only` refuses. Without that,
// a field that it refuses may be one of ours, but only if our schema of a Pod has it.
TEST(FieldVectorsTest, FieldsAreThoseOfTheKubelet) {
  std::size_t refused = 0;
  std::size_t beyond = 0;
  const std::size_t count = ForEachVector("field.jsonl", [&](const Vector& vector) {
    SCOPED_TRACE(vector.where);
    const std::string path = BytesMember(vector.in, "fieldPath");
    const auto pod = PodOf(vector.in);
    const bool is_refused = IsRefused(vector);
    if (!pod) {
      EXPECT_TRUE(is_refused) << pod.error().message;
      return;
    }
    const auto value = FieldValue(path, {*pod});
    if (!is_refused) {
      ASSERT_TRUE(value) << value.error().message;
      // If both are given, only the base64 has the bytes.
      const auto bytes = vector.out.find("result_b64");
      const std::string recorded = bytes == vector.out.end()
                                       ? BytesMember(vector.out, "result")
                                       : DecodeBase64(bytes->get<std::string>());
      EXPECT_TRUE(SameButForNewCodePoints(*value, recorded))
          << "ours:     " << QuoteForMessage(*value, 4000)
          << "\nrecorded: " << QuoteForMessage(recorded, 4000);
      EXPECT_TRUE(ValidateFieldPath(path, true));
      return;
    }
    ++refused;
    EXPECT_FALSE(ValidateFieldPath(path, true));
    if (value) {
      ++beyond;
      EXPECT_TRUE(ValidateFieldPath(path, false)) << "accepted, but not by the schema";
    }
  });
  RecordProperty("lines", static_cast<int>(count));
  RecordProperty("refused", static_cast<int>(refused));
  RecordProperty("refused_there_and_shown_here", static_cast<int>(beyond));
  EXPECT_GT(count - refused, 0U);
}

TEST(FieldVectorsTest, OnlyCodePointsNewerThanUnicode13MayDiffer) {
  EXPECT_TRUE(SameButForNewCodePoints("a\xe0\xa1\xb0z", "a\\u0870z"));
  EXPECT_TRUE(SameButForNewCodePoints("\xf0\x9f\xab\xa8", "\\U0001fae8"));
  EXPECT_FALSE(SameButForNewCodePoints("\xc3\xa9", "\\u00e9"));
  EXPECT_FALSE(SameButForNewCodePoints("\xe0\xa1\xb0", "\\u0871"));
  EXPECT_FALSE(SameButForNewCodePoints("a", ""));
  EXPECT_FALSE(SameButForNewCodePoints("", "a"));
}

}  // namespace
}  // namespace downwardfs::testing
