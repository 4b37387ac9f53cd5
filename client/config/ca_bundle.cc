// SPDX-License-Identifier: Apache-2.0
#include "client/config/ca_bundle.h"

#include <algorithm>

#include "base/text.h"
#include "client/config/openssl_types.h"
#include "client/config/pem_blocks.h"

namespace downwardfs::client {
namespace {

std::size_t CountBegins(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(kBegin, at)) != std::string_view::npos; ++count) {
    at += kBegin.size();
  }
  return count;
}

}  // namespace

CaBundle ReadCaBundle(std::string_view bytes) {
  CaBundle bundle;
  for (const PemBlock& block : ReadPemBlocks(bytes)) {
    if (block.type != "CERTIFICATE" || block.has_headers || !ParseCertificate(block.der)) continue;
    bundle.pem += WritePemBlock(block.type, block.der);
    ++bundle.certificates;
  }
  bundle.passed_over = std::max(CountBegins(bytes), bundle.certificates) - bundle.certificates;
  return bundle;
}

Result<CaBundle> RequireCaBundle(std::string_view bytes, const std::string& name) {
  auto bundle = ReadCaBundle(bytes);
  if (bundle.certificates > 0) return bundle;
  const auto refuse = [&](std::string_view why) {
    return Fail(
        ErrorCode::kFailedPrecondition,
        Concat({name, ": ", why, "; give the PEM bundle that signed the server's certificate"}));
  };
  if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) return refuse("it is empty");
  const auto blocks = ReadPemBlocks(bytes);
  if (blocks.empty()) {
    return refuse(bundle.passed_over == 0 ? "it holds no PEM block (-----BEGIN CERTIFICATE-----)"
                                          : "its PEM blocks are malformed");
  }
  if (blocks.front().type == "CERTIFICATE") {
    return refuse("failed to parse the certificate in it");
  }
  return refuse("it holds no certificate but " + QuoteForMessage(blocks.front().type));
}

}  // namespace downwardfs::client
