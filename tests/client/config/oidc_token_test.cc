// SPDX-License-Identifier: Apache-2.0
#include "client/config/oidc_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/base64.h"

namespace downwardfs::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kNow = 1'700'000'000;

std::string Token(std::int64_t expiry, const std::string& name = "a") {
  const std::string claims = R"({"sub":")" + name + R"(","exp":)" + std::to_string(expiry) + "}";
  std::string coded = Base64Encode(claims);
  while (!coded.empty() && coded.back() == '=') coded.pop_back();
  return "e30." + coded + ".c2ln";
}

class FixedTime final : public Clock {
 public:
  SteadyTime Steady() const override { return {}; }
  WallTime Wall() const override { return WallTime(std::chrono::seconds(now)); }
  std::int64_t now = kNow;
};

struct Exchange {
  std::vector<std::string> requests;
  std::deque<OidcHttp::Answer> answers;
};

class ScriptedHttp final : public OidcHttp {
 public:
  explicit ScriptedHttp(Exchange& exchange) : exchange_(exchange) {}

  Result<Answer> Send(const std::string& url, const std::string& form, const std::string& user,
                      const std::string& password, std::chrono::milliseconds) override {
    exchange_.requests.push_back(url + " " + form + " " + user + ":" + password);
    if (exchange_.answers.empty()) return Fail(ErrorCode::kUnavailable, "no answer");
    const Answer answer = exchange_.answers.front();
    exchange_.answers.pop_front();
    return answer;
  }

 private:
  Exchange& exchange_;
};

class OidcTokenTest : public ::testing::Test {
 protected:
  OidcToken Make(const std::string& id_token, const std::string& refresh_token) {
    OidcConfig config;
    config.issuer_url = "https://dex/";
    config.client_id = "kube";
    config.client_secret = "s/x";
    config.id_token = id_token;
    config.refresh_token = refresh_token;
    return OidcToken(config, "user \"u\" of /k", std::make_unique<ScriptedHttp>(exchange_), clock_);
  }
  static std::string TokenOf(const Result<Credentials>& credentials) {
    return credentials ? credentials->bearer_token : "error: " + credentials.error().message;
  }
  static OidcHttp::Answer Discovery() { return {200, R"({"token_endpoint":"https://dex/token"})"}; }

  FixedTime clock_;
  Exchange exchange_;
};

// Rules: client-go, plugin/pkg/client/auth/oidc.
TEST_F(OidcTokenTest, ATokenThatIsValidIsSent) {
  OidcToken token = Make(Token(kNow + 60), "");
  EXPECT_EQ(TokenOf(token.Get(false)), Token(kNow + 60));
  EXPECT_EQ(token.TryGet()->bearer_token, Token(kNow + 60));
  EXPECT_EQ(TokenOf(token.Get(true)), Token(kNow + 60)) << "nothing to renew it with";
  EXPECT_THAT(exchange_.requests, ElementsAre());
}

TEST_F(OidcTokenTest, ATokenThatEndsIsRenewed) {
  OidcToken token = Make(Token(kNow + 9), "r+1");
  EXPECT_FALSE(token.TryGet());
  exchange_.answers = {
      Discovery(),
      {200, R"({"id_token":")" + Token(kNow + 600, "b") + R"(","refresh_token":"r2"})"}};
  EXPECT_EQ(TokenOf(token.Get(false)), Token(kNow + 600, "b"));
  EXPECT_THAT(exchange_.requests,
              ElementsAre("https://dex/.well-known/openid-configuration  :",
                          "https://dex/token grant_type=refresh_token&refresh_token=r%2B1 "
                          "kube:s%2Fx"));
  EXPECT_EQ(TokenOf(token.Get(false)), Token(kNow + 600, "b"));
  EXPECT_EQ(exchange_.requests.size(), 2U);
  clock_.now = kNow + 600;
  exchange_.requests.clear();
  exchange_.answers = {
      Discovery(), {401, ""}, {200, R"({"id_token":")" + Token(kNow + 900, "c") + R"("})"}};
  EXPECT_EQ(TokenOf(token.Get(false)), Token(kNow + 900, "c"));
  EXPECT_EQ(exchange_.requests.back(),
            "https://dex/token grant_type=refresh_token&refresh_token=r2&client_id=kube"
            "&client_secret=s%2Fx :");
}

TEST_F(OidcTokenTest, ErrorsSayWhatToDoAndNoSecret) {
  EXPECT_THAT(TokenOf(Make(Token(kNow), "").Get(false)),
              AllOf(HasSubstr("there is no refresh-token; log in again"), HasSubstr("user \"u\"")));
  EXPECT_THAT(TokenOf(Make("SECRET", "").Get(false)),
              AllOf(HasSubstr("is not a JWT"), Not(HasSubstr("SECRET"))));
  exchange_.answers = {Discovery(),
                       {400, R"({"error":"invalid_grant"})"},
                       {400, R"({"error":"invalid_grant","error_description":"SECRET"})"}};
  EXPECT_THAT(TokenOf(Make("", "SECRET").Get(false)),
              AllOf(HasSubstr("status 400, invalid_grant"), Not(HasSubstr("SECRET"))));
  exchange_.answers = {Discovery(), {200, R"({"access_token":"SECRET"})"}};
  EXPECT_THAT(TokenOf(Make("", "r").Get(false)),
              AllOf(HasSubstr("scope openid"), Not(HasSubstr("SECRET"))));
  exchange_.answers = {{404, ""}};
  EXPECT_THAT(TokenOf(Make("", "r").Get(false)),
              HasSubstr("https://dex/.well-known/openid-configuration: status 404"));
}

}  // namespace
}  // namespace downwardfs::client
