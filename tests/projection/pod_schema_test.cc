// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/pod_schema.h"

#include <gtest/gtest.h>

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
