// SPDX-License-Identifier: Apache-2.0
// A client certificate that is replaced while it is in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/client/http/transport_parts.h"
#include "tests/client/temp_dir.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

// Certificate and key lie behind one link, as the kubelet and cert-manager replace them.
class RotationTest : public testing::Test {
 protected:
  RotationTest() {
    server_.Put("default", "p", "x");
    Show("first", server_.authority().Issue("first", ""));
    config_ = ConfigFor(server_);
    config_.user_name = "dev";
    config_.client_cert_file = dir_.Path("current/tls.crt");
    config_.client_key_file = dir_.Path("current/tls.key");
  }

  void Show(const std::string& folder, const CertificatePair& pair) {
    dir_.Write(folder + "/tls.crt", pair.cert_pem);
    dir_.Write(folder + "/tls.key", pair.key_pem);
    std::filesystem::create_directory_symlink(folder, dir_.Path("next"));
    std::filesystem::rename(dir_.Path("next"), dir_.Path("current"));
  }
  std::string Client() { return server_.LastHeaders()[":client"]; }

  FakeApiServer server_;
  const TempDir dir_;
  ClusterConfig config_;
  FakeClock clock_;
};

TEST_F(RotationTest, IsUsedAtOnceAfterA401) {
  const ApiClient client = ClientFor(config_, clock_);
  ASSERT_TRUE(client.Get(Pods()));
  EXPECT_EQ(Client(), "first");
  Show("second", server_.authority().Issue("second", ""));
  server_.Inject({.kind = ServerFault::Kind::kUnauthorized});
  EXPECT_TRUE(client.Get(Pods()));
  EXPECT_EQ(Client(), "second");
  EXPECT_EQ(server_.Requests().size(), 3u);
  // Nothing new: the refusal stands.
  server_.Inject({.kind = ServerFault::Kind::kUnauthorized});
  EXPECT_FALSE(client.Get(Pods()));
  EXPECT_EQ(server_.Requests().size(), 4u);
}

TEST_F(RotationTest, IsUsedAtOnceAfterATlsRefusal) {
  FakeApiServer strict({.needs_certificate = true});
  strict.Put("default", "p", "x");
  config_.server = strict.url();
  config_.ca_pem = strict.ca_pem();
  const ApiClient client = ClientFor(config_, clock_);
  EXPECT_THAT(MessageOf(client.Get(Pods())), HasSubstr("TLS handshake failed"));  // of another CA
  Show("second", strict.authority().Issue("second", ""));
  EXPECT_TRUE(client.Get(Pods())) << MessageOf(client.Get(Pods()));
  EXPECT_EQ(strict.LastHeaders()[":client"], "second");
}

TEST_F(RotationTest, IsFoundSoonAndNoConnectionOfTheOldOneIsUsedAgain) {
  const ApiClient client = ClientFor(config_, clock_);
  ASSERT_TRUE(client.Get(Pods()));
  Show("second", server_.authority().Issue("second", ""));
  clock_.Advance(seconds(10));
  EXPECT_TRUE(client.Get(Pods()));
  EXPECT_EQ(Client(), "second");
  EXPECT_EQ(server_.Connections(), 2u);
  EXPECT_TRUE(client.Get(Pods()));
  EXPECT_EQ(server_.Connections(), 2u);
}

TEST_F(RotationTest, AKeyThatBecomesEncryptedIsAnErrorUntilItIsMended) {
  const ApiClient client = ClientFor(config_, clock_);
  ASSERT_TRUE(client.Get(Pods()));
  const CertificatePair second = server_.authority().Issue("second", "");
  Show("second", {second.cert_pem, KeyAs(KeyForm::kEncryptedPkcs8, second.key_pem)});
  clock_.Advance(seconds(10));
  EXPECT_THAT(MessageOf(client.Get(Pods())), HasSubstr("it is encrypted with a passphrase"));
  // At once, although no interval is over.
  Show("third", second);
  EXPECT_TRUE(client.Get(Pods())) << MessageOf(client.Get(Pods()));
  EXPECT_EQ(Client(), "second");
}

TEST_F(RotationTest, HalvesThatAreReplacedOneAfterTheOtherAreAnErrorOnlyBetween) {
  const ApiClient client = ClientFor(config_, clock_);
  ASSERT_TRUE(client.Get(Pods()));
  const CertificatePair second = server_.authority().Issue("second", "");
  dir_.Write("first/tls.crt", second.cert_pem);
  clock_.Advance(seconds(10));
  EXPECT_THAT(MessageOf(client.Get(Pods())), HasSubstr("does not belong to the certificate"));
  dir_.Write("first/tls.key", second.key_pem);
  EXPECT_TRUE(client.Get(Pods())) << MessageOf(client.Get(Pods()));
}

}  // namespace
}  // namespace downwardfs::client
