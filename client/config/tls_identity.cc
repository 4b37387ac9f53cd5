// SPDX-License-Identifier: Apache-2.0
#include "client/config/tls_identity.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "client/config/openssl_types.h"
#include "client/config/pem_blocks.h"

namespace downwardfs::client {
namespace {

constexpr std::string_view kCertificate = "CERTIFICATE";

bool IsKeyType(std::string_view type) {
  return type == "PRIVATE KEY" || type.ends_with(" PRIVATE KEY");
}

bool HasKey(const std::vector<PemBlock>& blocks) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [](const PemBlock& block) { return IsKeyType(block.type); });
}

bool HasCertificate(const std::vector<PemBlock>& blocks) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [](const PemBlock& block) { return block.type == kCertificate; });
}

tl::unexpected<Error> Refuse(const std::string& name, std::string_view why) {
  return Fail(ErrorCode::kFailedPrecondition, Concat({name, ": ", why}));
}

// An ASN.1 sequence: a certificate or a key in DER.
bool LooksLikeDer(std::string_view bytes) {
  if (bytes.size() < 3 || bytes[0] != '\x30') return false;
  const auto length = static_cast<unsigned char>(bytes[1]);
  return length >= 0x80 || length == bytes.size() - 2;
}

std::string NoBlocks(std::string_view bytes, std::string_view command) {
  if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) return "it is empty";
  if (!LooksLikeDer(bytes)) return "it holds no PEM block (-----BEGIN ...-----)";
  return Concat({"it is DER, but PEM is needed; convert it with `openssl ", command,
                 " -inform DER -in FILE -out FILE.pem`"});
}

Result<std::vector<Openssl<X509>>> ReadChain(std::string_view bytes, const std::string& name) {
  const auto blocks = ReadPemBlocks(bytes);
  if (blocks.empty()) return Refuse(name, NoBlocks(bytes, "x509"));
  std::vector<Openssl<X509>> chain;
  for (const PemBlock& block : blocks) {
    if (block.type != kCertificate) continue;
    auto certificate = ParseCertificate(block.der);
    if (certificate) {
      chain.push_back(std::move(certificate));
    } else if (chain.empty()) {
      return Refuse(name, "failed to parse the certificate in its first CERTIFICATE block");
    }  // of the others, Go sends the bytes as they are, and no server can use them
  }
  if (!chain.empty()) return chain;
  return Refuse(name, HasKey(blocks) ? "it holds a private key and no certificate; are the"
                                       " certificate and the key swapped?"
                                     : "it holds no CERTIFICATE block");
}

Openssl<EVP_PKEY> ParseKey(std::string_view der) {
  const auto size = static_cast<long>(der.size());
  const auto* const begin = reinterpret_cast<const unsigned char*>(der.data());
  const auto* at = begin;
  const Openssl<PKCS8_PRIV_KEY_INFO> info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, size));
  if (info) return Openssl<EVP_PKEY>(EVP_PKCS82PKEY(info.get()));
  for (const int type : {EVP_PKEY_RSA, EVP_PKEY_EC}) {  // PKCS #1, SEC 1
    at = begin;
    if (Openssl<EVP_PKEY> key(d2i_PrivateKey(type, nullptr, &at, size)); key) return key;
  }
  return nullptr;
}

// The kind of a key that Go's client cannot use; empty if it can.
std::string UnusualKind(EVP_PKEY* key) {
  const int id = EVP_PKEY_get_base_id(key);
  if (id == EVP_PKEY_RSA || id == EVP_PKEY_ED25519) return "";
  if (id != EVP_PKEY_EC) {
    const char* const name = EVP_PKEY_get0_type_name(key);
    return name != nullptr ? name : "unknown";
  }
  std::array<char, 64> group{};
  std::size_t size = 0;
  EVP_PKEY_get_group_name(key, group.data(), group.size(), &size);
  const std::string_view name(group.data(), size);
  for (const char* known : {"prime256v1", "secp224r1", "secp384r1", "secp521r1"}) {
    if (name == known) return "";
  }
  return "EC on curve " + (name.empty() ? "unknown" : std::string(name));
}

Result<Openssl<EVP_PKEY>> ReadKey(std::string_view bytes, const std::string& name) {
  const auto blocks = ReadPemBlocks(bytes);
  if (blocks.empty()) return Refuse(name, NoBlocks(bytes, "pkey"));
  // EC PARAMETERS and certificates may stand before the key.
  const auto block = std::find_if(blocks.begin(), blocks.end(),
                                  [](const PemBlock& b) { return IsKeyType(b.type); });
  if (block == blocks.end()) {
    return Refuse(name, HasCertificate(blocks)
                            ? "it holds a certificate and no private key; are the"
                              " certificate and the key swapped?"
                            : "it holds no PRIVATE KEY block");
  }
  if (block->encrypted_by_header || block->type == "ENCRYPTED PRIVATE KEY") {
    return Refuse(name,
                  "failed to parse the private key: it is encrypted with a passphrase; write it"
                  " without one: `openssl pkey -in KEY -out NEWKEY`");
  }
  auto key = ParseKey(block->der);
  ERR_clear_error();
  if (!key) {
    return Refuse(name, "failed to parse the private key in block " + QuoteForMessage(block->type) +
                            ": it is no unencrypted PKCS #1, PKCS #8 or SEC 1 key");
  }
  if (const std::string kind = UnusualKind(key.get()); !kind.empty()) {
    return Refuse(name, "the private key is of kind " + QuoteForMessage(kind) +
                            "; it must be RSA, ECDSA on P-224, P-256, P-384 or P-521, or Ed25519");
  }
  return key;
}

template <class Write>
std::string ToPem(Write write) {
  const Openssl<BIO> bio(BIO_new(BIO_s_mem()));
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Result<TlsIdentity> CheckTlsIdentity(std::string_view cert, std::string_view key,
                                     const IdentityNames& names) {
  const auto chain = ReadChain(cert, names.cert);
  if (!chain) return Fail(chain.error());
  const auto private_key = ReadKey(key, names.key);
  if (!private_key) return Fail(private_key.error());
  const bool match = X509_check_private_key(chain->front().get(), private_key->get()) == 1;
  ERR_clear_error();
  if (!match) {
    return Refuse(names.key, "the private key does not belong to the certificate of " + names.cert +
                                 "; give the two that were made together");
  }
  TlsIdentity identity;
  identity.cert_pem = ToPem([&](BIO* bio) {
    for (const auto& certificate : *chain) PEM_write_bio_X509(bio, certificate.get());
  });
  identity.key_pem = ToPem([&](BIO* bio) {
    PEM_write_bio_PKCS8PrivateKey(bio, private_key->get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return identity;
}

}  // namespace downwardfs::client
