// SPDX-License-Identifier: Apache-2.0
// Certificates made while a test runs, so that none expires in the tree. Any thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace downwardfs {

/// A certificate and its key, PEM.
struct CertificatePair {
  std::string cert_pem;
  std::string key_pem;
};

/// A certificate authority of its own key.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  ~TestAuthority();

  std::string pem() const;

  /// For a server (names: "DNS:api.test,IP:127.0.0.1") or, without names, for a client.
  CertificatePair Issue(const std::string& common_name, const std::string& names) const;
  /// For a server, without subject alternative names.
  CertificatePair IssueLegacy(const std::string& common_name) const;

 private:
  struct State;
  CertificatePair Make(const std::string& common_name, const std::string& names,
                       const char* usage) const;
  std::unique_ptr<State> state_;
};

/// Other forms of the same key.
enum class KeyForm {
  kEncryptedPkcs8,   ///< ENCRYPTED PRIVATE KEY, with a passphrase
  kEncryptedLegacy,  ///< EC PRIVATE KEY, Proc-Type: 4,ENCRYPTED
  kTraditional,      ///< EC PRIVATE KEY
  kDer,
};
std::string KeyAs(KeyForm form, const std::string& key_pem);
/// A key that the name of an algorithm makes: "RSA", "ED25519", "ED448", "X25519", or of a curve.
std::string NewKey(const std::string& kind);

/// TLS for a server: asks clients for a certificate of `ca_pem`'s, but does not insist.
std::shared_ptr<SSL_CTX> MakeServerContext(const CertificatePair& pair, const std::string& ca_pem);

}  // namespace downwardfs
