// SPDX-License-Identifier: Apache-2.0
#include "client/api/api_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/http/curl_transport.h"
#include "tests/client/capture.h"
#include "tests/fakes/fake_api_server.h"

namespace downwardfs::client {
namespace {

using testing::ElementsAre;

ResourcePath Path(const std::string& resource, const std::string& ns = "",
                  const std::string& name = "") {
  return {"", "v1", resource, ns, name, ""};
}

class ApiClientTest : public testing::Test {
 protected:
  static std::shared_ptr<Transport> Connect(const FakeApiServer& server) {
    ClusterConfig config;
    config.server = server.url();
    config.ca_pem = server.ca_pem();
    return std::make_shared<CurlTransport>(config);
  }
  FakeApiServer server_{{.page = 2}};
  ApiClient client_{Connect(server_)};
};

TEST_F(ApiClientTest, ANamespaceIsCreatedReadAndDeleted) {
  const std::string body = R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"demo"}})";
  const auto created = client_.Create(Path("namespaces"), body);
  ASSERT_TRUE(created) << created.error().error.message;
  EXPECT_NE(created->find("\"name\":\"demo\""), std::string::npos);
  const auto again = client_.Create(Path("namespaces"), body);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().error.code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(
      again.error().error.message,
      server_.url() + ": cannot create namespaces: namespaces \"demo\" already exists (HTTP 409)");
  EXPECT_EQ(*client_.Get(Path("namespaces", "", "demo")), *created);
  EXPECT_TRUE(
      client_.Delete(Path("namespaces", "", "demo"), R"({"propagationPolicy":"Foreground"})"));
  const auto gone = client_.Get(Path("namespaces", "", "demo"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().error.code, ErrorCode::kNotFound);
  EXPECT_EQ(gone.error().status, 404);
}

TEST_F(ApiClientTest, ListsPageByPage) {
  for (int i = 0; i < 5; ++i) server_.Put("default", "p" + std::to_string(i), "x");
  const auto pods = client_.List(Path("pods", "default"));
  ASSERT_TRUE(pods) << pods.error().error.message;
  EXPECT_EQ(pods->size(), 5u);
  EXPECT_EQ(server_.Requests().size(), 3u);
  EXPECT_EQ(client_.List(Path("pods", "default"), {{"fieldSelector", "metadata.name=p3"}})->size(),
            1u);
}

TEST_F(ApiClientTest, APageThatContinuesAtItselfEndsTheListWithAnError) {
  for (int i = 0; i < 5; ++i) server_.Put("default", "p" + std::to_string(i), "x");
  server_.Inject({.kind = ServerFault::Kind::kSamePage, .verb = "list"}, 2);
  const auto pods = client_.List(Path("pods", "default"));
  ASSERT_FALSE(pods);
  EXPECT_EQ(pods.error().error.code, ErrorCode::kUnavailable);
  EXPECT_NE(pods.error().error.message.find("the list does not end"), std::string::npos);
  EXPECT_EQ(server_.Requests().size(), 2u);
}

// Nothing is what a watch has to say while nothing happens.
TEST_F(ApiClientTest, AWatchHasNoLimitOfSilenceUnlessItIsGivenOne) {
  class Recorder final : public Transport {
   public:
    Result<HttpResponse> Perform(const HttpRequest& request, ResponseHandler&,
                                 Cancellation*) override {
      last = request;
      return Fail(ErrorCode::kUnavailable, "away");
    }
    std::string Description() const override { return "https://h"; }
    std::string Identity() const override { return "nobody"; }
    HttpRequest last;
  };
  const auto transport = std::make_shared<Recorder>();
  const ApiClient client(transport);
  (void)client.Watch(Path("pods"), ListQuery(), {});
  EXPECT_EQ(transport->last.idle_limit.count(), 0);
  EXPECT_EQ(transport->last.head_limit, std::chrono::seconds(30));
  (void)client.ListPage(Path("pods"), ListQuery(), nullptr);
  EXPECT_EQ(transport->last.idle_limit, std::chrono::seconds(60));
  ListQuery query;
  query.idle_limit = std::chrono::seconds(7);
  (void)client.Watch(Path("pods"), query, {});
  EXPECT_EQ(transport->last.idle_limit, std::chrono::seconds(7));
}

TEST_F(ApiClientTest, AnAnswerThatMakesNoSenseIsKnownAsOne) {
  server_.Put("default", "p", "x");
  server_.Inject({.kind = ServerFault::Kind::kWrongType});
  const auto page = client_.Get(Path("pods", "default", "p"));
  ASSERT_FALSE(page);
  EXPECT_TRUE(page.error().bad_answer);
  server_.Inject({.kind = ServerFault::Kind::kServerError});
  EXPECT_FALSE(client_.Get(Path("pods", "default", "p")).error().bad_answer);
  EXPECT_FALSE(client_.Get(Path("pods", "default", "q")).error().bad_answer);
}

TEST_F(ApiClientTest, DiscoversGroupsAndResources) {
  const auto versions = client_.GroupVersions();
  ASSERT_TRUE(versions) << versions.error().error.message;
  EXPECT_THAT(*versions, ElementsAre("v1", "apps/v1", "apps/v1beta1"));
  const auto resources = client_.Resources("v1");
  ASSERT_TRUE(resources);
  ASSERT_EQ(resources->size(), 2u);
  EXPECT_EQ((*resources)[0].resource, "pods");
  EXPECT_EQ((*resources)[0].kind, "Pod");
  EXPECT_TRUE((*resources)[0].namespaced);
  EXPECT_THAT((*resources)[0].verbs, ElementsAre("create", "delete", "get", "list", "watch"));
  EXPECT_EQ((*resources)[1].group, "");
  const auto unknown = client_.Resources("none/v1");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().error.code, ErrorCode::kNotFound);
}

TEST(ResourcePathTest, UrlsAndWords) {
  ResourcePath path = Path("deployments", "my ns", "a/b");
  path.group = "apps";
  path.subresource = "scale";
  EXPECT_EQ(path.UrlPath(), "/apis/apps/v1/namespaces/my%20ns/deployments/a%2Fb/scale");
  EXPECT_EQ(path.Describe(), "deployments/scale.apps \"a/b\" in namespace \"my ns\"");
  EXPECT_EQ(WithQuery("/x", {{"a", "b=c&d"}, {"e", ""}}), "/x?a=b%3Dc%26d&e=");
}

// The failures that a real API server was seen to answer with.
TEST(ApiFailureTest, CapturesBecomeOneLineThatSaysWhatToDo) {
  const auto failure = [](const char* capture, int status) {
    HttpResponse response;
    response.status = status;
    response.content_type = "application/json";
    response.error_body = CaptureBody(capture);
    return FailureOf({"https://h:6443", "client certificate of user dev", "list", Path("pods")},
                     response);
  };
  const ApiFailure forbidden = failure("forbidden-403.http", 403);
  EXPECT_EQ(forbidden.error.code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(
      forbidden.error.message,
      "https://h:6443: cannot list pods: pods is forbidden: User \"system:anonymous\" cannot "
      "list resource \"pods\" in API group \"\" at the cluster scope (HTTP 403); a ClusterRole "
      "must allow verb \"list\" on resource \"pods\" of API group \"\" to user "
      "\"system:anonymous\"");
  const ApiFailure unauthorized = failure("unauthorized-401.http", 401);
  EXPECT_EQ(unauthorized.error.code, ErrorCode::kUnauthenticated);
  EXPECT_NE(unauthorized.error.message.find("client certificate of user dev"), std::string::npos);
  EXPECT_EQ(failure("notfound-404.http", 404).error.code, ErrorCode::kNotFound);
  const ApiFailure expired = failure("list-continue-expired-410.http", 410);
  EXPECT_EQ(expired.error.code, ErrorCode::kExpired);
  EXPECT_EQ(expired.reason, "Expired");
}

TEST(ApiFailureTest, ProxiesAndOddServers) {
  const ApiQuestion question{"http://h", "no credentials", "get", Path("pods", "a", "b")};
  HttpResponse response;
  response.status = 503;
  response.content_type = "text/plain";
  response.error_body = "upstream is \x1b[31mdown\nsecond line";
  response.retry_after = std::chrono::seconds(7);
  const ApiFailure unavailable = FailureOf(question, response);
  EXPECT_EQ(unavailable.error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(
      unavailable.error.message,
      "http://h: cannot get pods \"b\" in namespace \"a\": upstream is \\x1b[31mdown (HTTP 503)");
  EXPECT_EQ(unavailable.retry_after, std::chrono::seconds(7));
  response.content_type = "text/html";
  EXPECT_NE(FailureOf(question, response).error.message.find("no Kubernetes Status"),
            std::string::npos);
}

// A node agent reads pods of every namespace: its right is its ClusterRole's, whatever the
// namespace that the server names.
TEST(ApiFailureTest, AdviceToANodeAgentNamesItsClusterRole) {
  const auto advice = [](const std::string& user) {
    ApiStatus status;
    status.code = 403;
    status.message = "pods \"b\" is forbidden: User \"" + user +
                     R"(" cannot get resource "pods" in API group "" in the namespace "x")";
    const std::string text =
        FailureOf({"http://h", "token file /t", "get", Path("pods", "a", "b"), true}, status)
            .error.message;
    return text.substr(text.find(" (HTTP 403)") + 11);
  };
  EXPECT_EQ(
      advice("system:serviceaccount:downwardfs:downwardfs"),
      R"(; the ClusterRole "downwardfs" must allow verb "get" on resource "pods" of API group )"
      R"("" to user "system:serviceaccount:downwardfs:downwardfs")");
  EXPECT_TRUE(advice("jane").starts_with("; a ClusterRole must allow verb \"get\""));
}

// The right that the server looked for is the one that is missing, whatever was asked for.
TEST(ApiFailureTest, AdviceNamesTheRightThatTheServerNames) {
  const auto advice = [](const std::string& message) {
    ApiStatus status;
    status.code = 403;
    status.message = message;
    const std::string text =
        FailureOf({"http://h", "token file /t", "get", Path("pods", "a", "b")}, status)
            .error.message;
    return text.substr(text.find(" (HTTP 403)") + 11);
  };
  EXPECT_EQ(
      advice(R"(pods "b" is forbidden: User "u" cannot get resource "pods/log" in API group )"
             R"("" in the namespace "x")"),
      R"(; a Role in namespace "x" must allow verb "get" on resource "pods/log" of API group )"
      R"("" to user "u")");
  EXPECT_EQ(advice(R"(scopes.example.com is forbidden: User "u" cannot list resource "scopes" in )"
                   R"(API group "example.com" at the cluster scope: some reason)"),
            R"(; a ClusterRole must allow verb "list" on resource "scopes" of API group )"
            R"("example.com" to user "u")");
  EXPECT_EQ(advice(R"(forbidden: User "u" cannot get path "/metrics")"),
            R"(; a ClusterRole must allow verb "get" on nonResourceURL "/metrics" to user "u")");
  // No role helps there.
  for (const char* message :
       {R"(admission webhook "policy.example.com" denied the request: label missing)",
        R"(pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5)",
        R"(the client cannot do this)", "Forbidden", ""}) {
    EXPECT_EQ(advice(message), "") << message;
  }
}

TEST(ApiFailureTest, RetryAfterAndCausesOfAStatus) {
  const auto status = ParseApiStatus(
      R"({"kind":"Status","code":504,"reason":"Timeout","message":"m","details":{"retryAfterSeconds":3,)"
      R"("causes":[{"reason":"ResourceVersionTooLarge"}]}})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->retry_after, std::chrono::seconds(3));
  EXPECT_TRUE(status->version_too_large);
  EXPECT_FALSE(ParseApiStatus(R"({"kind":"Pod"})"));
  EXPECT_FALSE(ParseApiStatus("<html>"));
  EXPECT_FALSE(ParseApiStatus(""));
}

}  // namespace
}  // namespace downwardfs::client
