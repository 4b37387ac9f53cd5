// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/pod_schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <string>

namespace downwardfs {
namespace {

using Shape = SchemaType::Shape;

// Visits every struct that a Pod reaches, and checks that the table has each one.
void Visit(const SchemaType& type, std::set<std::string_view>& seen) {
  if (type.struct_name.empty() || !seen.insert(type.struct_name).second) return;
  const SchemaStruct* const row = FindSchemaStruct(type.struct_name);
  ASSERT_NE(row, nullptr) << type.struct_name;
  std::string_view rest = row->members;
  while (!rest.empty()) {
    const std::string_view token = rest.substr(0, rest.find(' '));
    rest.remove_prefix(token.size() == rest.size() ? token.size() : token.size() + 1);
    const std::string_view member = token.substr(0, token.find(':'));
    ASSERT_FALSE(member.empty()) << row->name << ": " << row->members;
    const auto found = SchemaMember({Shape::kStruct, row->name}, member);
    ASSERT_TRUE(found) << row->name << "." << member;
    Visit(*found, seen);
  }
}

TEST(PodSchemaTest, EveryTypeThatIsNamedIsInTheTable) {
  std::set<std::string_view> seen;
  Visit(PodSchema(), seen);
  EXPECT_GT(seen.size(), 120U);
}

// tests/data/pod-fields-1.37.txt: the paths of a Pod that has every field (the API's own round-trip
// data of 1.37), `[]` for a list's element and `{}` for a map's value.
TEST(PodSchemaTest, HasEveryFieldOfAPodOf137) {
  std::ifstream file(TEST_DATA_DIR "/pod-fields-1.37.txt");
  std::string line;
  std::size_t count = 0;
  for (; std::getline(file, line); ++count) {
    SCOPED_TRACE(line);
    std::optional<SchemaType> type = PodSchema();
    for (std::string_view rest = line; !rest.empty() && type;) {
      std::string_view step = rest.substr(0, rest.find('.'));
      rest.remove_prefix(std::min(step.size() + 1, rest.size()));
      const auto end = step.find_first_of("[{");
      type = SchemaMember(*type, step.substr(0, end));
      ASSERT_TRUE(type) << "no " << step;
      if (end == std::string_view::npos) continue;
      EXPECT_EQ(type->shape, step[end] == '[' ? Shape::kList : Shape::kMap) << step;
      type = SchemaElement(*type);
    }
    EXPECT_EQ(type->shape, Shape::kScalar);
  }
  EXPECT_GT(count, 400U);
}

TEST(PodSchemaTest, MembersHaveTheirShapes) {
  const auto spec = SchemaMember(PodSchema(), "spec");
  ASSERT_TRUE(spec);
  EXPECT_EQ(SchemaMember(*spec, "nodeName")->shape, Shape::kScalar);
  EXPECT_EQ(SchemaMember(*spec, "nodeSelector")->shape, Shape::kMap);
  const auto containers = SchemaMember(*spec, "containers");
  EXPECT_EQ(containers->shape, Shape::kList);
  EXPECT_EQ(SchemaElement(*containers).struct_name, "Container");
  EXPECT_EQ(SchemaElement(*SchemaMember(*spec, "nodeSelector")).shape, Shape::kScalar);
}

TEST(PodSchemaTest, OnlyWholeNamesAreMembers) {
  const auto metadata = *SchemaMember(PodSchema(), "metadata");
  for (const std::string_view name : {"nam", "names", "", "name ", "ownerReferences:"}) {
    EXPECT_FALSE(SchemaMember(metadata, name)) << name;
  }
  EXPECT_FALSE(SchemaMember({Shape::kScalar, {}}, "name"));
}

}  // namespace
}  // namespace downwardfs
