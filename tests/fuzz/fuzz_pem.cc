// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes what reads users' certificates and keys. Beside not crashing and asking nobody for a
// passphrase: what passes is one form, which passes again and stays the same; an error is one line.
// Built as a libFuzzer target with DOWNWARDFS_FUZZ=ON, and into a test that replays the corpus.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "client/config/ca_bundle.h"
#include "client/config/pem_blocks.h"
#include "client/config/tls_identity.h"

namespace downwardfs::client {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

void CheckBlocks(std::string_view text) {
  std::string written;
  const auto blocks = ReadPemBlocks(text);
  for (const PemBlock& block : blocks) written += WritePemBlock(block.type, block.der);
  const auto again = ReadPemBlocks(written);
  Check(again.size() == blocks.size());
  for (std::size_t i = 0; i < again.size(); ++i) Check(again[i].der == blocks[i].der);
}

void CheckBundle(std::string_view text) {
  const auto bundle = RequireCaBundle(text, "ca");
  if (!bundle) return Check(OneLine(bundle.error().message) == bundle.error().message);
  const CaBundle again = ReadCaBundle(bundle->pem);
  Check(again.pem == bundle->pem && again.passed_over == 0);
}

void CheckIdentity(std::string_view cert, std::string_view key) {
  const auto identity = CheckTlsIdentity(cert, key, {});
  if (!identity) return Check(OneLine(identity.error().message) == identity.error().message);
  const auto again = CheckTlsIdentity(identity->cert_pem, identity->key_pem, {});
  Check(again && *again == *identity);
}

}  // namespace
}  // namespace downwardfs::client

// One file may hold both, as many do.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace downwardfs::client;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckBlocks(text);
  CheckBundle(text);
  CheckIdentity(text, text);
  return 0;
}
