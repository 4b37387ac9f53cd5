// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects with an owner. For .cc files only.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace downwardfs::client {

struct OpensslFree {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(PKCS8_PRIV_KEY_INFO* p) const { PKCS8_PRIV_KEY_INFO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
};
template <class T>
using Openssl = std::unique_ptr<T, OpensslFree>;

/// The certificate that `der` is, to its last byte; null if it is no certificate.
inline Openssl<X509> ParseCertificate(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  Openssl<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();  // libcurl takes what lies there for its own
  return at == end ? std::move(certificate) : nullptr;
}

}  // namespace downwardfs::client
