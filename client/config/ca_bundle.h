// SPDX-License-Identifier: Apache-2.0
//
// A bundle of certificate authorities as Go reads it: blocks that are no certificates or that do
// not parse are passed over, and only a bundle without any certificate is an error. Pure; any
// thread. Source: Go's x509.CertPool.AppendCertsFromPEM; client-go transport.rootCertPool.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs::client {

struct CaBundle {
  std::string pem;  ///< the certificates alone
  std::size_t certificates = 0;
  /// The blocks that were passed over, of which BEGIN lines without a block behind them are some.
  std::size_t passed_over = 0;
};

CaBundle ReadCaBundle(std::string_view bytes);

/// The same, where a bundle without any certificate is an error (kFailedPrecondition). `name`, for
/// the message: "certificate-authority /etc/ca.pem".
Result<CaBundle> RequireCaBundle(std::string_view bytes, const std::string& name);

}  // namespace downwardfs::client
