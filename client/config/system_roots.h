// SPDX-License-Identifier: Apache-2.0
//
// The certificate authorities of the system, found as Go finds them, for servers whose
// configuration has no CA: SSL_CERT_FILE or the first readable file of a list, and every file of
// SSL_CERT_DIR's folders or of a list. Blocking reads; any thread.
// Source: Go's crypto/x509 root_unix.go and root_linux.go.
#pragma once

#include <string>
#include <vector>

namespace downwardfs::client {

struct SystemRootPlaces {
  std::vector<std::string> files;    ///< the first one that can be read counts
  std::vector<std::string> folders;  ///< each file in each one counts
};

/// The places that the variables name, or Go's lists without them.
SystemRootPlaces FindSystemRootPlaces();

struct SystemRoots {
  std::vector<std::string> pems;  ///< bundles, each with one certificate at least
  std::string problem;            ///< the first place that is there and cannot be read
};

SystemRoots ReadSystemRoots(const SystemRootPlaces& places);

}  // namespace downwardfs::client
