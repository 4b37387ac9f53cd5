// SPDX-License-Identifier: Apache-2.0
// Requests of ApiClient's writes as a server sees them. Source: Kubernetes API concepts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "base/mutex.h"
#include "client/api/api_client.h"
#include "client/http/curl_transport.h"
#include "tests/fakes/scripted_server.h"

namespace downwardfs::client {
namespace {

using testing::HasSubstr;
using Query = std::map<std::string, std::string>;

ResourcePath Deployment() {
  ResourcePath path;
  path.group = "apps";
  path.resource = "deployments";
  path.ns = "default";
  path.name = "web";
  return path;
}

constexpr char kUrl[] = "/apis/apps/v1/namespaces/default/deployments/web";

std::string HttpAnswer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

class ApiWritesTest : public testing::Test {
 protected:
  static std::shared_ptr<Transport> Connect(const ScriptedServer& server) {
    ClusterConfig config;
    config.server = server.url();
    return std::make_shared<CurlTransport>(config);
  }
  ServedRequest Seen() {
    const MutexLock lock(mutex_);
    return seen_;
  }
  void AnswerWith(std::string bytes) {
    const MutexLock lock(mutex_);
    answer_ = std::move(bytes);
  }

  Mutex mutex_;
  ServedRequest seen_ GUARDED_BY(mutex_);
  std::string answer_ GUARDED_BY(mutex_) = HttpAnswer("200 OK", R"({"kind":"Deployment"})");
  ScriptedServer server_{[this](const ServedRequest& request, std::size_t) {
    const MutexLock lock(mutex_);
    seen_ = request;
    return ScriptedServer::Answer{answer_};
  }};
  ApiClient client_{Connect(server_)};
};

TEST_F(ApiWritesTest, EachWriteIsTheRequestThatTheApiDocuments) {
  WriteOptions options;
  options.field_manager = "tool/1 a";
  options.dry_run = true;
  options.field_validation = "Strict";
  const Query all = {
      {"fieldManager", "tool/1 a"}, {"dryRun", "All"}, {"fieldValidation", "Strict"}};
  Query forced = all;
  forced["force"] = "true";
  ResourcePath status = Deployment();
  status.subresource = "status";
  ResourcePath collection = Deployment();
  collection.name.clear();
  ResourcePath scale = Deployment();
  scale.subresource = "scale";
  const std::string url = kUrl;
  const struct {
    std::function<ApiResult<std::string>()> call;
    std::string method, path, content_type;
    Query query;
  } cases[] = {
      {[&] { return client_.Update(Deployment(), "{}"); }, "PUT", url, "application/json", {}},
      {[&] { return client_.Update(status, "{}", options); }, "PUT", url + "/status",
       "application/json", all},
      {[&] { return client_.Patch(Deployment(), PatchType::kMerge, "{}"); },
       "PATCH",
       url,
       "application/merge-patch+json",
       {}},
      {[&] { return client_.Patch(scale, PatchType::kStrategicMerge, "{}", options); }, "PATCH",
       url + "/scale", "application/strategic-merge-patch+json", all},
      {[&] { return client_.Patch(Deployment(), PatchType::kJson, "{}"); },
       "PATCH",
       url,
       "application/json-patch+json",
       {}},
      {[&] { return client_.Apply(Deployment(), "{}", options); }, "PATCH", url,
       "application/apply-patch+yaml", all},
      {[&] { return client_.Apply(status, "{}", options, /*force=*/true); }, "PATCH",
       url + "/status", "application/apply-patch+yaml", forced},
      {[&] { return client_.Create(collection, "{}", options); }, "POST",
       "/apis/apps/v1/namespaces/default/deployments", "application/json", all},
      {[&] { return client_.Create(scale, "{}"); }, "POST", url + "/scale", "application/json", {}},
  };
  for (const auto& [call, method, path, content_type, query] : cases) {
    SCOPED_TRACE(method + " " + path + " " + content_type);
    const auto answer = call();
    ASSERT_TRUE(answer) << answer.error().error.message;
    EXPECT_EQ(*answer, R"({"kind":"Deployment"})");
    const ServedRequest seen = Seen();
    EXPECT_EQ(seen.method, method);
    EXPECT_EQ(seen.path, path);
    EXPECT_EQ(seen.headers.at("content-type"), content_type);
    EXPECT_EQ(seen.query, query);
    EXPECT_EQ(seen.body, "{}");
  }
}

TEST_F(ApiWritesTest, AConflictIsKnownByItsStatusAndReason) {
  AnswerWith(HttpAnswer("409 Conflict", R"({"kind":"Status","apiVersion":"v1","status":"Failure",)"
                                        R"("message":"the object has been modified",)"
                                        R"("reason":"Conflict","code":409})"));
  const auto answer = client_.Update(Deployment(), "{}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 409);
  EXPECT_EQ(answer.error().reason, "Conflict");
  EXPECT_EQ(answer.error().error.code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(answer.error().error.message,
            server_.url() +
                ": cannot update deployments.apps \"web\" in namespace \"default\": "
                "the object has been modified (HTTP 409)");
}

TEST_F(ApiWritesTest, WrongArgumentsAreRefusedBeforeAnythingIsSent) {
  ResourcePath nameless = Deployment();
  nameless.name.clear();
  ResourcePath above = Deployment();
  above.name = "..";
  ResourcePath untyped = Deployment();
  untyped.resource.clear();
  WriteOptions longer;
  longer.field_manager = std::string(129, 'm');
  WriteOptions validation;
  validation.field_validation = "strict";
  const std::pair<ApiResult<std::string>, const char*> refusals[] = {
      {client_.Update(nameless, "{}"),
       "cannot update deployments.apps in namespace \"default\": "
       "the path names no object"},
      {client_.Patch(nameless, PatchType::kMerge, "{}"), "the path names no object"},
      {client_.Delete(nameless),
       "cannot delete deployments.apps in namespace \"default\": "
       "the path names no object"},
      {client_.Delete(above), "nothing can be called \"..\""},
      {client_.Update(above, "{}"), "nothing can be called \"..\""},
      {client_.Create(untyped, "{}"), "the path names no resource"},
      {client_.Apply(Deployment(), "{}", {}), "server-side apply needs a field manager"},
      {client_.Apply(Deployment(), "{}", longer), "is longer than 128 bytes"},
      {client_.Update(Deployment(), "{}", validation), "is not Ignore, Warn or Strict"},
  };
  for (const auto& [answer, text] : refusals) {
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().error.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(answer.error().error.message, HasSubstr(text));
  }
  EXPECT_EQ(server_.requests(), 0u);
}

}  // namespace
}  // namespace downwardfs::client
