// SPDX-License-Identifier: Apache-2.0
//
// Our part of the TLS handshakes that libcurl makes, by OpenSSL's own API: the system's roots as
// one store that is parsed once, the refusal of certificates without a subject alternative name,
// and notes of what the peer says (its alert) and of why its certificate is refused. libcurl's own
// words lose both.
//
// The notes belong to a connection, which may outlive the request that made it; whoever wants them
// shares them. Called on the loop's thread alone, but for MakeTrustStore() (any thread).
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace downwardfs::client {

/// Roots of trust; shared by connections. Opaque: OpenSSL's X509_STORE.
class TrustStore;
/// Of bundles that ReadSystemRoots() delivered.
std::shared_ptr<const TrustStore> MakeTrustStore(const std::vector<std::string>& pems);

/// The handshakes of one connection: with an https proxy, then with the server.
struct TlsNotes {
  int begun = 0;
  int done = 0;
  bool at_proxy = false;           ///< the latest one is with the proxy
  bool certificate_asked = false;  ///< the peer wants to see the client's
  std::string alert;    ///< the peer's fatal alert: "certificate required"; empty: none came
  std::string refusal;  ///< why the peer's certificate is refused; empty: it is not
};

/// Sets up `ssl_context` (an SSL_CTX*), which libcurl has just made. `roots` null: libcurl's own
/// stay. `verify` false: the peer's certificate is not looked at.
void PrepareTls(void* ssl_context, std::shared_ptr<TlsNotes> notes, const TrustStore* roots,
                bool verify);

}  // namespace downwardfs::client
