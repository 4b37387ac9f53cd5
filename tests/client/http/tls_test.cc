// SPDX-License-Identifier: Apache-2.0
// Whom the transport trusts, and what it says where trust fails, on either side.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/client/http/transport_parts.h"
#include "tests/client/temp_dir.h"

namespace downwardfs::client {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string AnswerFor(const ClusterConfig& config) {
  return MessageOf(ClientFor(config).Get(Pods()));
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() { server_.Put("default", "p", "x"); }

  ClusterConfig WithCertificate(const std::string& key) const {
    ClusterConfig config = ConfigFor(server_);
    config.client_cert_pem = pair_.cert_pem;
    config.client_key_pem = key;
    config.user_name = "dev";
    return config;
  }

  FakeApiServer server_;
  const CertificatePair pair_ = server_.authority().Issue("dev", "");
  const TempDir dir_;
};

TEST_F(TlsTest, AKeyWithAPassphraseIsAnErrorInOneLineAndNoConnection) {
  for (const KeyForm form : {KeyForm::kEncryptedPkcs8, KeyForm::kEncryptedLegacy}) {
    ClusterConfig config = WithCertificate(KeyAs(form, pair_.key_pem));
    const auto refused = ClientFor(config).Get(Pods());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().error.code, ErrorCode::kFailedPrecondition);
    EXPECT_THAT(MessageOf(refused),
                StartsWith(server_.url() + ": user \"dev\": client-key-data: failed to parse the "
                                           "private key: it is encrypted"));
    config.client_key_pem.clear();
    config.client_key_file = dir_.Write("key", KeyAs(form, pair_.key_pem));
    EXPECT_THAT(AnswerFor(config), HasSubstr("client-key " + config.client_key_file + ": failed"));
  }
  EXPECT_EQ(server_.Connections(), 0u);
}

TEST_F(TlsTest, TheServersAlertIsShown) {
  FakeApiServer strict({.needs_certificate = true});
  ClusterConfig config = ConfigFor(strict);
  // The alert may be lost with the connection, as it comes after the handshake.
  const auto either = [](const char* alert) {
    return AllOf(HasSubstr("TLS handshake failed: the peer "),
                 AnyOf(HasSubstr(std::string("the TLS alert \"") + alert + "\""),
                       HasSubstr("asked for a client certificate and closed the connection")));
  };
  EXPECT_THAT(AnswerFor(config), either("certificate required"));
  const CertificatePair stranger = TestAuthority("another CA").Issue("dev", "");
  config.client_cert_pem = stranger.cert_pem;
  config.client_key_pem = stranger.key_pem;
  EXPECT_THAT(AnswerFor(config), either("unknown CA"));
}

TEST_F(TlsTest, ACommonNameIsNoNameOfAServer) {
  for (const char* name : {"127.0.0.1", "api.test"}) {
    FakeApiServer legacy({.certificate_names = "", .common_name = name});
    legacy.Put("default", "p", "x");
    ClusterConfig config = ConfigFor(legacy);
    if (name[0] == 'a') config.tls_server_name = name;
    const std::string message = AnswerFor(config);
    EXPECT_THAT(message, AllOf(HasSubstr("its certificate is not trusted"),
                               HasSubstr("relies on the legacy Common Name field")));
    config.insecure_skip_tls_verify = true;
    config.ca_pem.clear();
    EXPECT_TRUE(ClientFor(config).Get(Pods())) << AnswerFor(config);
  }
}

TEST_F(TlsTest, ABadBlockInABundleIsPassedOverAndABundleOfNothingElseIsNamed) {
  ClusterConfig config = ConfigFor(server_);
  const std::string bad = "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n";
  config.ca_pem = bad + config.ca_pem + pair_.key_pem;
  EXPECT_TRUE(ClientFor(config).Get(Pods())) << AnswerFor(config);
  config.ca_pem = bad;
  EXPECT_THAT(AnswerFor(config),
              HasSubstr("certificate-authority-data of the test: failed to parse"));
  config.ca_pem.clear();
  config.ca_file = dir_.Write("ca", pair_.key_pem);
  EXPECT_EQ(AnswerFor(config),
            server_.url() + ": certificate authority " + config.ca_file +
                ": it holds no certificate but \"PRIVATE KEY\"; give the PEM bundle"
                " that signed the server's certificate");
}

TEST_F(TlsTest, WithoutACaTheSystemsAreThoseOfGo) {
  ClusterConfig config = ConfigFor(server_);
  config.ca_pem.clear();
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
  EXPECT_THAT(AnswerFor(config), HasSubstr("must be signed by one of the system's CAs and name"));
  setenv("SSL_CERT_FILE", dir_.Write("ca.crt", server_.ca_pem()).c_str(), 1);
  EXPECT_TRUE(ClientFor(config).Get(Pods())) << AnswerFor(config);
  setenv("SSL_CERT_FILE", dir_.Write("other.crt", TestAuthority("other").pem()).c_str(), 1);
  EXPECT_THAT(AnswerFor(config), HasSubstr("CAs (SSL_CERT_FILE=" + dir_.Path("other.crt")));
  dir_.Write("folder/server.pem", server_.ca_pem());
  setenv("SSL_CERT_DIR", ("/none:" + dir_.Path("folder")).c_str(), 1);
  EXPECT_TRUE(ClientFor(config).Get(Pods())) << AnswerFor(config);
  // A CA of the configuration replaces them all.
  config.ca_pem = TestAuthority("another CA").pem();
  EXPECT_THAT(AnswerFor(config), HasSubstr("its certificate is not trusted"));
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
}

}  // namespace
}  // namespace downwardfs::client
