// SPDX-License-Identifier: Apache-2.0
// A pod may see beyond itself what its own ServiceAccount may read.
#include <filesystem>

#include "tests/csi/csi_fixture.h"

namespace downwardfs::testing {
namespace {

TEST_F(CsiTest, FieldsOfTheNodeAreForThoseWhoMayReadIt) {
  StartPlugin({"--review-interval", "200ms"});
  PublishCall call = CallFor();
  call.context["items"] = kNodeItems;
  const CsiAnswer refused = client().Publish(call);
  EXPECT_EQ(refused.code, csi_code::kPermissionDenied);
  EXPECT_THAT(refused.message,
              HasSubstr("ServiceAccount default/reader may not get nodes \"node1\""));
  EXPECT_EQ(MountsAt(call.target_path), 0);

  server_->AllowNodes("system:serviceaccount:default:reader", true);
  const CsiAnswer granted = client().Publish(call);
  ASSERT_TRUE(granted.ok()) << granted.message;
  EXPECT_EQ(Slurp(call.target_path + "/zone"), "zone-a");
  server_->PutObject("nodes", "", "node1", {}, "zone-b");
  EXPECT_TRUE(Shows(call.target_path, "zone", "zone-b"));

  server_->AllowNodes("system:serviceaccount:default:reader", false);
  EXPECT_TRUE(Eventually([&] { return Slurp(call.target_path + "/zone").empty(); }));
  EXPECT_THAT(StatusField(call.target_path, "lastError"), HasSubstr("may not get nodes"));
  server_->AllowNodes("system:serviceaccount:default:reader", true);
  EXPECT_TRUE(Shows(call.target_path, "zone", "zone-b"));
  EXPECT_EQ(StatusField(call.target_path, "lastError"), "\"\"");
}

TEST_F(CsiTest, FieldsOfTheNamespaceAreForThoseWhoMayReadIt) {
  server_->PutObject("namespaces", "", "default", {}, "gold");
  StartPlugin({"--review-interval", "200ms"});
  PublishCall call = CallFor();
  call.context["items"] = kNamespaceItems;
  // The right to read nodes is another one.
  server_->AllowNodes("system:serviceaccount:default:reader", true);
  const CsiAnswer refused = client().Publish(call);
  EXPECT_EQ(refused.code, csi_code::kPermissionDenied);
  EXPECT_THAT(refused.message,
              HasSubstr("ServiceAccount default/reader may not get namespaces \"default\""));
  const std::string review = server_->LastReview();
  EXPECT_THAT(review, HasSubstr("\"resource\":\"namespaces\""));
  EXPECT_THAT(review, HasSubstr("\"namespace\":\"default\""));
  EXPECT_EQ(MountsAt(call.target_path), 0);
  for (const std::string& request : server_->Requests()) {
    EXPECT_THAT(request, Not(HasSubstr("/api/v1/namespaces?")));
  }

  server_->AllowGet("system:serviceaccount:default:reader", "namespaces", true);
  const CsiAnswer granted = client().Publish(call);
  ASSERT_TRUE(granted.ok()) << granted.message;
  EXPECT_EQ(Slurp(call.target_path + "/tier"), "gold");
  server_->PutObject("namespaces", "", "default", {}, "silver");
  EXPECT_TRUE(Shows(call.target_path, "tier", "silver"));

  server_->AllowGet("system:serviceaccount:default:reader", "namespaces", false);
  EXPECT_TRUE(Eventually([&] { return Slurp(call.target_path + "/tier").empty(); }));
  EXPECT_THAT(StatusField(call.target_path, "lastError"), HasSubstr("may not get namespaces"));
  server_->AllowGet("system:serviceaccount:default:reader", "namespaces", true);
  EXPECT_TRUE(Shows(call.target_path, "tier", "silver"));
  EXPECT_EQ(StatusField(call.target_path, "lastError"), "\"\"");
}

TEST_F(CsiTest, AReviewAsksForThePodsOwnAccountWithItsGroups) {
  StartPlugin();
  PublishCall call = CallFor();
  call.context["items"] = kNodeItems;
  client().Publish(call);
  const std::string review = server_->LastReview();
  EXPECT_THAT(review, HasSubstr("\"user\":\"system:serviceaccount:default:reader\""));
  for (const char* group :
       {"system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"}) {
    EXPECT_THAT(review, HasSubstr("\"" + std::string(group) + "\""));
  }
  EXPECT_THAT(review, HasSubstr("\"verb\":\"get\""));
  EXPECT_THAT(review, HasSubstr("\"resource\":\"nodes\""));
  EXPECT_THAT(review, HasSubstr("\"name\":\"node1\""));
}

TEST_F(CsiTest, ThePodItselfAndTheFallbackOfItsLimitsNeedNoRight) {
  server_->PutObject("nodes", "", "node1", {"", R"("status":{"allocatable":{"cpu":"7"}})"},
                     "zone-a");
  StartPlugin();
  PublishCall call = CallFor();
  call.context["items"] = std::string(kItems) +
                          "- {path: cpu, resourceFieldRef: {containerName: main, resource: "
                          "limits.cpu}}\n";
  const CsiAnswer answer = client().Publish(call);
  ASSERT_TRUE(answer.ok()) << answer.message;
  EXPECT_TRUE(Shows(call.target_path, "cpu", "7"));
  for (const std::string& request : server_->Requests()) {
    EXPECT_THAT(request, Not(HasSubstr("subjectaccessreviews")));
  }
}

TEST_F(CsiTest, WhileNobodyCanSayTheCallIsToBeMadeAgain) {
  StartPlugin();
  PublishCall call = CallFor();
  ASSERT_TRUE(client().Publish(call).ok());
  server_->Forbid("create subjectaccessreviews");
  PublishCall second = CallFor("web", "second");
  second.context["items"] = kNodeItems;
  const CsiAnswer answer = client().Publish(second);
  EXPECT_EQ(answer.code, csi_code::kPermissionDenied);
  EXPECT_THAT(answer.message, HasSubstr("subjectaccessreviews"));
}

}  // namespace
}  // namespace downwardfs::testing
