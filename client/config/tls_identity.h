// SPDX-License-Identifier: Apache-2.0
//
// The client's certificate and key, checked before the TLS library sees them. Users' bytes may be
// anything: an encrypted key makes libcurl crash or OpenSSL ask at the terminal. A key that passes
// here is written again in the one form that cannot surprise them. Pure; any thread. Source: Go's
// crypto/tls.X509KeyPair, which kubectl reads the same bytes with.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs::client {

/// PEM: the chain, leaf first, and its key as an unencrypted PKCS #8. Both empty: no identity.
struct TlsIdentity {
  std::string cert_pem;
  std::string key_pem;

  bool operator==(const TlsIdentity&) const = default;
};

/// For messages: where the bytes come from ("client-key /home/me/key.pem").
struct IdentityNames {
  std::string cert = "client-certificate-data";
  std::string key = "client-key-data";
};

/// kFailedPrecondition with the name, the rule and what to do; never the bytes.
Result<TlsIdentity> CheckTlsIdentity(std::string_view cert, std::string_view key,
                                     const IdentityNames& names);

}  // namespace downwardfs::client
