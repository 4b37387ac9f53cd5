// SPDX-License-Identifier: Apache-2.0
#include "client/config/exec_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/base64.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/test_certificates.h"

namespace downwardfs::client {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr char kVersion[] = "client.authentication.k8s.io/v1";

std::string Answer(const std::string& status) {
  return std::string(R"({"kind":"ExecCredential","apiVersion":")") + kVersion + R"(","status":{)" +
         status + "}}";
}

// Runs nothing: gives the answers it was told, one per run, the last one for ever.
class FakeRunner final : public ProcessRunner {
 public:
  Result<ProcessOutput> Run(const ProcessSpec& spec, const CancelFlag&) override {
    const MutexLock lock(mutex_);
    last = spec;
    ++runs;
    entered.NotifyAll();
    while (blocked) released.Wait(mutex_);
    if (next_error) return Fail(*next_error);
    return output;
  }
  std::string Find(const std::string& command) override {
    return installed ? "/usr/bin/" + command : "";
  }
  bool HasTerminal() const override { return terminal; }
  std::vector<std::string> Environment() const override {
    return {"PATH=/usr/bin", "A=host", "KUBERNETES_EXEC_INFO=stale"};
  }

  void Print(const std::string& text) {
    const MutexLock lock(mutex_);
    output.out = text;
  }
  int Runs() {
    const MutexLock lock(mutex_);
    return runs;
  }
  void Block() {
    const MutexLock lock(mutex_);
    blocked = true;
  }
  void WaitUntilRunning() {
    const MutexLock lock(mutex_);
    while (runs == 0) entered.Wait(mutex_);
  }
  void Release() {
    const MutexLock lock(mutex_);
    blocked = false;
    released.NotifyAll();
  }

  Mutex mutex_;
  CondVar entered;
  CondVar released;
  bool blocked GUARDED_BY(mutex_) = false;
  int runs GUARDED_BY(mutex_) = 0;
  // Set before any thread runs.
  ProcessSpec last;
  ProcessOutput output;
  std::optional<Error> next_error;
  bool installed = true;
  bool terminal = false;
};

class ExecCredentialTest : public testing::Test {
 protected:
  ExecCredentialTest() {
    spec_.api_version = kVersion;
    spec_.command = "login";
    spec_.args = {"get-token"};
    spec_.env = {{"A", "config"}, {"B", "b"}};
    runner_.output.out = Answer(R"("token":"t1")");
  }

  ExecCredential Make() {
    return ExecCredential(spec_, cluster_, "user \"u\" of /k", runner_, clock_);
  }
  std::string ErrorOf(ExecCredential plugin) { return plugin.Get(false).error().message; }

  FakeClock clock_;
  FakeRunner runner_;
  ExecSpec spec_;
  ExecCluster cluster_;
};

TEST_F(ExecCredentialTest, RunsTheCommandWithItsArgumentsAndEnvironment) {
  auto plugin = Make();
  EXPECT_FALSE(plugin.TryGet());
  EXPECT_EQ(plugin.Get(false)->bearer_token, "t1");
  EXPECT_EQ(runner_.last.path, "/usr/bin/login");
  EXPECT_THAT(runner_.last.argv, testing::ElementsAre("login", "get-token"));
  EXPECT_THAT(runner_.last.environment, Contains("PATH=/usr/bin"));
  EXPECT_THAT(runner_.last.environment, Contains("A=config"));
  EXPECT_THAT(runner_.last.environment, Not(Contains("A=host")));
  EXPECT_THAT(
      runner_.last.environment,
      Contains(std::string(R"(KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":")") +
               kVersion + R"(","spec":{"interactive":false}})"));
}

TEST_F(ExecCredentialTest, KeepsAnAnswerWithoutExpiryUntilItIsRefused) {
  auto plugin = Make();
  ASSERT_TRUE(plugin.Get(false));
  clock_.Advance(std::chrono::hours(1000));
  EXPECT_EQ(plugin.Get(false)->bearer_token, "t1");
  EXPECT_EQ(plugin.TryGet()->bearer_token, "t1");
  EXPECT_EQ(runner_.Runs(), 1);
  runner_.Print(Answer(R"("token":"t2")"));
  EXPECT_EQ(plugin.Get(true)->bearer_token, "t2");
  EXPECT_EQ(runner_.Runs(), 2);
}

TEST_F(ExecCredentialTest, RunsAgainOnceTheAnswerHasExpired) {
  // The fake clock starts at 1800001000 s: 2027-01-15T08:16:40Z.
  runner_.Print(Answer(R"("token":"t1","expirationTimestamp":"2027-01-15T08:17:40Z")"));
  auto plugin = Make();
  ASSERT_TRUE(plugin.Get(false));
  clock_.Advance(std::chrono::seconds(59));
  ASSERT_TRUE(plugin.TryGet());
  EXPECT_EQ(runner_.Runs(), 1);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_FALSE(plugin.TryGet());
  runner_.Print(Answer(R"("token":"t2")"));
  EXPECT_EQ(plugin.Get(false)->bearer_token, "t2");
}

TEST_F(ExecCredentialTest, ManyRefusalsAtOnceStartOneRun) {
  auto plugin = Make();
  ASSERT_TRUE(plugin.Get(false));
  ASSERT_TRUE(plugin.Get(true));
  EXPECT_EQ(runner_.Runs(), 1);  // the first answer is younger than kForceInterval
  clock_.Advance(ExecCredential::kForceInterval);
  ASSERT_TRUE(plugin.Get(true));
  ASSERT_TRUE(plugin.Get(true));
  EXPECT_EQ(runner_.Runs(), 2);
}

TEST_F(ExecCredentialTest, CallersThatComeDuringARunShareIt) {
  auto plugin = Make();
  runner_.Block();
  const auto get = [&] { return plugin.Get(true)->bearer_token; };
  auto first = std::async(std::launch::async, get);
  runner_.WaitUntilRunning();
  auto second = std::async(std::launch::async, get);
  auto third = std::async(std::launch::async, get);
  EXPECT_FALSE(plugin.TryGet());
  runner_.Release();
  EXPECT_EQ(first.get() + second.get() + third.get(), "t1t1t1");
  EXPECT_EQ(runner_.Runs(), 1);
}

TEST_F(ExecCredentialTest, AFailedRefreshKeepsTheUnexpiredAnswer) {
  auto plugin = Make();
  ASSERT_TRUE(plugin.Get(false));
  clock_.Advance(std::chrono::minutes(1));
  runner_.output.exit_code = 1;
  runner_.output.err = "";
  EXPECT_FALSE(plugin.Get(true));
  EXPECT_EQ(plugin.TryGet()->bearer_token, "t1");
}

TEST_F(ExecCredentialTest, ClientCertificatesComeAsPairs) {
  const CertificatePair pair = TestAuthority("ca").Issue("plugin", "");
  const auto print = [&](const std::string& key) {
    const nlohmann::json members = {{"clientCertificateData", pair.cert_pem},
                                    {"clientKeyData", key}};
    const std::string text = members.dump();
    runner_.Print(Answer(text.substr(1, text.size() - 2)));
  };
  print(pair.key_pem);
  EXPECT_THAT(Make().Get(false)->client_key_pem, HasSubstr("BEGIN PRIVATE KEY"));
  print(KeyAs(KeyForm::kEncryptedPkcs8, pair.key_pem));
  EXPECT_THAT(ErrorOf(Make()), HasSubstr("its output: status.clientKeyData: failed to parse the "
                                         "private key: it is encrypted with a passphrase"));
  runner_.Print(Answer(R"("clientCertificateData":"C","clientKeyData":"K")"));
  EXPECT_THAT(ErrorOf(Make()), HasSubstr("status.clientCertificateData: it holds no PEM block"));
  runner_.Print(Answer(R"("clientCertificateData":"C")"));
  EXPECT_THAT(ErrorOf(Make()), HasSubstr("but not both"));
}

TEST_F(ExecCredentialTest, FailureShowsTheLastLineOfErrorsWithoutSecrets) {
  runner_.output.exit_code = 3;
  runner_.output.err = "first\nlogin: token abcdefghij0123456789XYZ of me is expired\x1b[0m\r\n\n";
  const std::string message = ErrorOf(Make());
  EXPECT_EQ(message,
            "exec plugin login of user \"u\" of /k: failed with exit code 3:"
            " login: token [...] of me is expired\\x1b[0m");
  runner_.output.exit_code = 137;
  EXPECT_THAT(ErrorOf(Make()), HasSubstr("ended by signal 9"));
}

TEST_F(ExecCredentialTest, AMissingCommandShowsTheInstallHint) {
  runner_.installed = false;
  spec_.install_hint = "see https://example.org\nthen retry";
  EXPECT_EQ(ErrorOf(Make()),
            "exec plugin login of user \"u\" of /k: there is no executable \"login\" in $PATH;"
            " see https://example.org then retry");
}

TEST_F(ExecCredentialTest, InteractiveModeDecidesAboutTheTerminal) {
  using Mode = ExecSpec::Interactive;
  for (const bool terminal : {false, true}) {
    for (const Mode mode : {Mode::kNever, Mode::kIfAvailable, Mode::kAlways}) {
      runner_.terminal = terminal;
      spec_.interactive = mode;
      auto plugin = Make();
      const auto got = plugin.Get(false);
      if (mode == Mode::kAlways && !terminal) {
        EXPECT_THAT(got.error().message, HasSubstr("no terminal"));
        continue;
      }
      const bool expected = terminal && mode != Mode::kNever;
      EXPECT_EQ(runner_.last.interactive, expected);
      EXPECT_THAT(runner_.last.environment,
                  Contains(HasSubstr(expected ? "\"interactive\":true" : "\"interactive\":false")));
    }
  }
}

TEST_F(ExecCredentialTest, ProvidesClusterInformationWhenAsked) {
  spec_.provide_cluster_info = true;
  cluster_.server = "https://h";
  cluster_.ca_pem = "PEM";
  cluster_.tls_server_name = "n";
  cluster_.config_json = R"({"audience":"a"})";
  EXPECT_EQ(*ExecInfo(spec_, cluster_, false),
            std::string(R"({"kind":"ExecCredential","apiVersion":")") + kVersion +
                R"(","spec":{"interactive":false,"cluster":{"server":"https://h",)"
                R"("tls-server-name":"n","certificate-authority-data":")" +
                Base64Encode("PEM") + R"(","config":{"audience":"a"}}}})");
}

TEST_F(ExecCredentialTest, ARunThatFailsNamesThePlugin) {
  runner_.next_error = Error{ErrorCode::kDeadlineExceeded, "still running after 60 s"};
  auto plugin = Make();
  const auto got = plugin.Get(false);
  EXPECT_EQ(got.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(got.error().message, HasSubstr("exec plugin login of user \"u\""));
}

TEST_F(ExecCredentialTest, CancelIsForGood) {
  auto plugin = Make();
  plugin.Cancel();
  EXPECT_EQ(plugin.Get(false).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(runner_.Runs(), 0);
}

struct BadAnswer {
  std::string output;
  const char* message;
};

class BadExecAnswerTest : public testing::TestWithParam<BadAnswer> {};

TEST_P(BadExecAnswerTest, SaysWhatIsWrongWithoutQuotingIt) {
  const auto answer = ParseExecAnswer(GetParam().output, kVersion);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(answer.error().message, Not(HasSubstr("SECRET")));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadExecAnswerTest,
    testing::Values(
        BadAnswer{"", "no ExecCredential"}, BadAnswer{"SECRET", "no ExecCredential"},
        BadAnswer{"{\"token\": \"SECRET", "no ExecCredential"},
        BadAnswer{R"({"kind":"Pod","apiVersion":"v1"})", "no ExecCredential"},
        BadAnswer{
            R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})",
            "answered in version \"client.authentication.k8s.io/v1beta1\""},
        BadAnswer{R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})",
                  "no status"},
        BadAnswer{Answer(""), "neither a token nor"},
        BadAnswer{Answer(R"("token":12345)"), "must be a string"},
        BadAnswer{Answer(R"("token":"SECRET\nX-Evil: 1")"), "white space"},
        BadAnswer{Answer(R"("token":"t","expirationTimestamp":"soon")"), "not RFC 3339"}));

TEST_F(ExecCredentialTest, WhoCannotWaitForLongGivesThePluginLess) {
  ExecCredential credential = Make();
  runner_.Print(Answer(R"("token":"t")"));
  EXPECT_TRUE(credential.GetWithin(true, std::chrono::milliseconds(1500)));
  EXPECT_EQ(runner_.last.timeout, std::chrono::milliseconds(1500));
  clock_.Advance(std::chrono::minutes(1));
  EXPECT_TRUE(credential.GetWithin(true, std::chrono::hours(1)));
  EXPECT_EQ(runner_.last.timeout, ExecCredential::kTimeout);
  // A person needs more time than a server.
  clock_.Advance(std::chrono::minutes(1));
  runner_.terminal = true;
  EXPECT_TRUE(credential.GetWithin(true, std::chrono::milliseconds(1500)));
  EXPECT_EQ(runner_.last.timeout, ExecCredential::kInteractiveTimeout);
}

}  // namespace
}  // namespace downwardfs::client
