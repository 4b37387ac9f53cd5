// SPDX-License-Identifier: Apache-2.0
#include "csi/publish_request.h"

#include "tests/csi/good_publish.h"
#include "tests/support/matchers.h"

namespace downwardfs::testing {
namespace {

PublishRequest Good() {
  PublishRequest request = GoodPublish();
  request.context["csi.storage.k8s.io/serviceAccount.name"] = "reader";
  return request;
}

std::string Refusal(const PublishRequest& request, ErrorCode code = ErrorCode::kInvalidArgument) {
  const auto spec = ParsePublishRequest(request);
  if (spec) return "accepted";
  EXPECT_EQ(spec.error().code, code) << spec.error().message;
  return spec.error().message;
}

std::string RefusalOf(const std::string& attribute, const std::string& value) {
  PublishRequest request = Good();
  request.context[attribute] = value;
  return Refusal(request);
}

TEST(PublishRequestTest, WithoutAttributesItIsTheFullViewInTheKubeletsLayout) {
  const auto spec = ParsePublishRequest(Good());
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->view.kind, VolumeView::Kind::kFullView);
  EXPECT_EQ(spec->layout, Layout::kKubelet);
  EXPECT_EQ(spec->pod.name, "web");
  EXPECT_EQ(spec->pod.uid, "u");
  EXPECT_EQ(spec->service_account, "reader");
  EXPECT_FALSE(spec->fs_group);
  EXPECT_TRUE(spec->attributes.empty());
}

TEST(PublishRequestTest, TakesItemsModeLayoutAndGroup) {
  PublishRequest request = Good();
  request.context["items"] = "- {path: name, fieldRef: {fieldPath: metadata.name}}";
  request.context["defaultMode"] = "0640";
  request.context["layout"] = "live";
  request.mount_group = "2000";
  const auto spec = ParsePublishRequest(request);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->view.items.items.size(), 1u);
  EXPECT_EQ(spec->view.items.default_mode, 0640);
  EXPECT_EQ(spec->layout, Layout::kLive);
  EXPECT_EQ(spec->fs_group, 2000u);
  EXPECT_EQ(spec->attributes.size(), 3u);
}

TEST(PublishRequestTest, ADecimalModeIsThatOfJson) {
  PublishRequest request = Good();
  request.context["items"] = "[]";
  request.context["defaultMode"] = "420";
  EXPECT_EQ(ParsePublishRequest(request)->view.items.default_mode, 0644);
}

// 36 KB of text that would be 65 MB of items.
TEST(PublishRequestTest, AliasesMakeNoLargeTextOfAShortOne) {
  std::string text = "items: [&s \"" + std::string(6500, 'k') + "\"";
  for (int i = 0; i < 10000; ++i) text += ",*s";
  EXPECT_THAT(RefusalOf("items", text + "]"), HasSubstr("aliases expand to more than"));
  PublishRequest request = Good();
  request.context["items"] =
      "items: [{path: a, fieldRef: &f {fieldPath: metadata.name}}, {path: b, fieldRef: *f}]";
  EXPECT_TRUE(ParsePublishRequest(request));
}

TEST(PublishRequestTest, ARequiredFieldThatIsMissingIsNamed) {
  PublishRequest request = Good();
  request.volume_id.clear();
  EXPECT_THAT(Refusal(request), HasSubstr("volume_id"));
  request = Good();
  request.target_path.clear();
  EXPECT_THAT(Refusal(request), HasSubstr("target_path"));
  request = Good();
  request.has_capability = false;
  EXPECT_THAT(Refusal(request), HasSubstr("volume_capability"));
  request = Good();
  request.mount = false;
  EXPECT_THAT(Refusal(request), HasSubstr("access_type"));
  request = Good();
  request.known_access_mode = false;
  EXPECT_THAT(Refusal(request), HasSubstr("access_mode"));
  for (const char* key : {"pod.name", "pod.namespace", "pod.uid"}) {
    request = Good();
    request.context.erase(std::string("csi.storage.k8s.io/") + key);
    EXPECT_THAT(Refusal(request), HasSubstr(key));
    EXPECT_THAT(Refusal(request), HasSubstr("podInfoOnMount"));
  }
}

TEST(PublishRequestTest, WhatIsNoInlineVolumeIsRefused) {
  EXPECT_THAT(RefusalOf("csi.storage.k8s.io/ephemeral", "false"), HasSubstr("inline"));
  PublishRequest request = Good();
  request.context.erase("csi.storage.k8s.io/ephemeral");
  EXPECT_THAT(Refusal(request), HasSubstr("ephemeral"));
  request = Good();
  request.mount = false;
  request.block = true;
  EXPECT_THAT(Refusal(request), HasSubstr("block"));
}

TEST(PublishRequestTest, AWrongAttributeIsNamedWithItsRule) {
  EXPECT_THAT(RefusalOf("item", "[]"),
              HasSubstr("volumeAttributes.item: unknown; there are items"));
  EXPECT_THAT(RefusalOf("layout", "flat"), HasSubstr("must be kubelet or live"));
  EXPECT_THAT(RefusalOf("view", "none"), HasSubstr("must be full"));
  EXPECT_THAT(RefusalOf("defaultMode", "0644"), HasSubstr("needs items"));
  EXPECT_THAT(RefusalOf("items", "- {path: ["), HasSubstr("volumeAttributes.items: "));
  EXPECT_THAT(RefusalOf("items", "hello"), HasSubstr("volumeAttributes.items: "));
}

TEST(PublishRequestTest, ModesBeyond0777AreRefused) {
  for (const char* mode : {"0999", "512", "01000", "-1", "rw-r--r--", "", "0644 "}) {
    PublishRequest request = Good();
    request.context["items"] = "[]";
    request.context["defaultMode"] = mode;
    EXPECT_THAT(Refusal(request), HasSubstr("0 to 0777")) << mode;
  }
}

TEST(PublishRequestTest, ItemsExcludeTheFullView) {
  PublishRequest request = Good();
  request.context["items"] = "[]";
  request.context["view"] = "full";
  EXPECT_THAT(Refusal(request), HasSubstr("excludes items"));
}

TEST(PublishRequestTest, TooManyItemsAndTooMuchTextAreLimits) {
  PublishRequest request = Good();
  request.context["items"] = std::string(70000, '#');
  EXPECT_THAT(Refusal(request, ErrorCode::kResourceExhausted), HasSubstr("65536"));
  std::string items;
  for (int i = 0; i < 1001; ++i) {
    items += "- {path: p" + std::to_string(i) + ", fieldRef: {fieldPath: spec.x}}\n";
  }
  request.context["items"] = items;
  EXPECT_THAT(Refusal(request, ErrorCode::kResourceExhausted), HasSubstr("1000"));
}

TEST(PublishRequestTest, GroupsAreNumbers) {
  for (const char* group : {"staff", "-1", "4294967295", "99999999999", "12 "}) {
    PublishRequest request = Good();
    request.mount_group = group;
    EXPECT_THAT(Refusal(request), HasSubstr("volume_mount_group")) << group;
  }
}

TEST(PublishRequestTest, FlagsOfMountThatChangeNothingAreTaken) {
  PublishRequest request = Good();
  request.mount_flags = {"ro", "noatime"};
  EXPECT_TRUE(CheckMountFlags(request));
  request.mount_flags.push_back("discard");
  EXPECT_THAT(CheckMountFlags(request).error().message, HasSubstr("\"discard\""));
  // Of a volume that is mounted already nobody asks them.
  EXPECT_TRUE(ParsePublishRequest(request));
}

TEST(PublishRequestTest, APathHasOneForm) {
  PublishRequest request = Good();
  request.target_path = "/a//b/t//";
  EXPECT_EQ(ParsePublishRequest(request)->target_path, "/a/b/t");
}

TEST(PublishRequestTest, NamesHaveALengthAndAForm) {
  for (const auto& [key, longest] : {std::pair{"csi.storage.k8s.io/pod.name", 253u},
                                     {"csi.storage.k8s.io/pod.namespace", 63u},
                                     {"csi.storage.k8s.io/pod.uid", 128u}}) {
    PublishRequest request = Good();
    request.context[key] = std::string(longest, 'a');
    EXPECT_TRUE(ParsePublishRequest(request)) << key;
    request.context[key] = std::string(longest + 1, 'a');
    EXPECT_THAT(Refusal(request), HasSubstr("longer than " + std::to_string(longest)));
    for (const char* name : {"a/b", "a\nb", "..", "a b", "\xff"}) {
      request.context[key] = name;
      EXPECT_THAT(Refusal(request), HasSubstr(key)) << name;
      EXPECT_EQ(Refusal(request).find('\n'), std::string::npos);
    }
  }
}

TEST(PublishRequestTest, WhatAUserHasMadeUpIsQuotedAndCut) {
  const std::string refusal = RefusalOf("a\x1b[31m" + std::string(5000, 'b'), "x");
  EXPECT_THAT(refusal, HasSubstr("volumeAttributes.\"a\\x1b[31m"));
  EXPECT_LT(refusal.size(), 300u);
}

TEST(PublishRequestTest, PathsAreAbsoluteAndPlain) {
  for (const char* path : {"relative/mount", "/a/../b/mount", "/a/./mount", "/a/.."}) {
    PublishRequest request = Good();
    request.target_path = path;
    EXPECT_THAT(Refusal(request), HasSubstr("target_path")) << path;
  }
}

TEST(PublishRequestTest, OnlyFieldsOfOtherObjectsNeedAReview) {
  PublishRequest request = Good();
  request.context["items"] = "- {path: name, fieldRef: {fieldPath: metadata.name}}";
  EXPECT_FALSE(Shows(ParsePublishRequest(request)->view, "Node"));
  request.context["items"] = "- {path: zone, fieldRef: {fieldPath: \"node.metadata.labels['z']\"}}";
  EXPECT_TRUE(Shows(ParsePublishRequest(request)->view, "Node"));
  EXPECT_FALSE(Shows(ParsePublishRequest(request)->view, "Namespace"));
}

}  // namespace
}  // namespace downwardfs::testing
