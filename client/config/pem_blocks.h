// SPDX-License-Identifier: Apache-2.0
//
// The blocks of a PEM file, read as Go reads them, because kubectl decides which files are right.
// Text around blocks and malformed blocks are passed over; a block whose end is missing does not
// hide the next one. OpenSSL's reader stops at the first malformed block and decrypts as it reads.
// Pure; any thread. Source: Go's encoding/pem (RFC 1421, 1422).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace downwardfs::client {

struct PemBlock {
  std::string type;  ///< "CERTIFICATE", "RSA PRIVATE KEY"
  /// It has headers, such as "Proc-Type: 4,ENCRYPTED".
  bool has_headers = false;
  bool encrypted_by_header = false;  ///< Proc-Type says so: `der` is a ciphertext
  std::string der;
};

std::vector<PemBlock> ReadPemBlocks(std::string_view text);

/// `der` as a PEM block without headers.
std::string WritePemBlock(std::string_view type, std::string_view der);

}  // namespace downwardfs::client
