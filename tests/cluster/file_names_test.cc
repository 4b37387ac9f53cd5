// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/file_names.h"

#include <gmock/gmock.h>

#include "fs/cluster/tree_path.h"

namespace downwardfs {
namespace {

TEST(FileNamesTest, EveryTextHasOneNameAndTheWayBack) {
  const std::pair<const char*, const char*> cases[] = {
      {"app", "app"},
      {"app.kubernetes.io/name", "app.kubernetes.io%2Fname"},
      {"", "%"},
      {"%", "%25"},
      {"%2F", "%252F"},
      {".", "%2E"},
      {"..", "%2E."},
      {"...", "..."},
      {"fd00::1", "fd00::1"},
      {"A", "A"},
      {"a", "a"},
  };
  for (const auto& [text, name] : cases) {
    EXPECT_EQ(ToFileName(text), name);
    EXPECT_EQ(FromFileName(name), text) << name;
  }
}

TEST(FileNamesTest, OtherSpellingsLeadNowhere) {
  for (const char* name : {"", "%41", "a%2f", "a/b", "%2", "..", "%2Ex", "%%"}) {
    EXPECT_EQ(FromFileName(name), std::nullopt) << name;
  }
}

TEST(FileNamesTest, WhatIsTooLongIsCutAndStaysUnique) {
  const std::string long_name(300, 'a');
  const std::string name = ToFileName(long_name);
  EXPECT_EQ(name.size(), 255U);
  EXPECT_NE(name, ToFileName(long_name + "b"));
  EXPECT_EQ(name, ToFileName(long_name));
  EXPECT_EQ(LinkName("ns", "pod"), "ns_pod");
  EXPECT_EQ(LinkName(std::string(63, 'n'), std::string(253, 'p')).size(), 255U);
}

TEST(TreePathTest, EachPlaceHasItsKind) {
  using Kind = TreePath::Kind;
  const std::pair<const char*, Kind> cases[] = {
      {"", Kind::kRoot},
      {"..status", Kind::kStatus},
      {"..status/x", Kind::kNothing},
      {"namespaces", Kind::kNamespaces},
      {"namespaces/a", Kind::kNamespace},
      {"namespaces/a/pods.txt", Kind::kPodTable},
      {"namespaces/a/services", Kind::kNothing},
      {"namespaces/a/pods", Kind::kPods},
      {"namespaces/a/pods/b", Kind::kPod},
      {"namespaces/a/pods/b/labels.d/c", Kind::kPod},
      {"nodes", Kind::kNodes},
      {"nodes/a", Kind::kNode},
      {"nodes/a/capacity/cpu", Kind::kNode},
      {"nodes/a/pods", Kind::kNodePods},
      {"nodes/a/pods/b_c", Kind::kNodePod},
      {"by-label/k/v/a_b", Kind::kLabelledPod},
      {"by-label/k/v", Kind::kLabelValue},
      {"by-label/k", Kind::kLabelKey},
      {"by-ip/10.0.0.1", Kind::kAddress},
      {"by-node/n", Kind::kNodeLink},
      {"elsewhere", Kind::kNothing},
  };
  for (const auto& [text, kind] : cases) EXPECT_EQ(TreePath::Parse(text).kind, kind) << text;
  EXPECT_EQ(TreePath::Parse("namespaces/a/pods/b/labels.d/c").rest, "labels.d/c");
}

}  // namespace
}  // namespace downwardfs
