// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>

namespace downwardfs {
namespace {

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

template <class Write>
std::string Pem(Write write) {
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  X509_add_ext(certificate, extension.get(), -1);
}

Certificate MakeCertificate(const std::string& common_name, EVP_PKEY* key, X509* issuer) {
  static std::atomic<long> serial{1};
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24L * 3600);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), issuer != nullptr ? X509_get_subject_name(issuer) : name);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

X509* ReadCertificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

}  // namespace

std::shared_ptr<SSL_CTX> MakeServerContext(const CertificatePair& pair, const std::string& ca_pem) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const Certificate certificate(ReadCertificate(pair.cert_pem));
  SSL_CTX_use_certificate(context.get(), certificate.get());
  const std::unique_ptr<BIO, Free> bio(
      BIO_new_mem_buf(pair.key_pem.data(), static_cast<int>(pair.key_pem.size())));
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  const Certificate ca(ReadCertificate(ca_pem));
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

struct TestAuthority::State {
  Key key;
  Certificate certificate;
};

TestAuthority::TestAuthority(const std::string& name) : state_(std::make_unique<State>()) {
  state_->key.reset(EVP_EC_gen("P-256"));
  state_->certificate = MakeCertificate(name, state_->key.get(), nullptr);
  X509* const own = state_->certificate.get();
  AddExtension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(own, own, NID_subject_key_identifier, "hash");
  X509_sign(own, state_->key.get(), EVP_sha256());
}

TestAuthority::~TestAuthority() = default;

std::string TestAuthority::pem() const {
  return Pem([this](BIO* bio) { PEM_write_bio_X509(bio, state_->certificate.get()); });
}

CertificatePair TestAuthority::Issue(const std::string& common_name,
                                     const std::string& names) const {
  return Make(common_name, names, names.empty() ? "clientAuth" : "serverAuth");
}

CertificatePair TestAuthority::IssueLegacy(const std::string& common_name) const {
  return Make(common_name, "", "serverAuth");
}

CertificatePair TestAuthority::Make(const std::string& common_name, const std::string& names,
                                    const char* usage) const {
  const Key key(EVP_EC_gen("P-256"));
  X509* const issuer = state_->certificate.get();
  const Certificate certificate = MakeCertificate(common_name, key.get(), issuer);
  if (!names.empty()) AddExtension(certificate.get(), issuer, NID_subject_alt_name, names);
  AddExtension(certificate.get(), issuer, NID_ext_key_usage, usage);
  X509_sign(certificate.get(), state_->key.get(), EVP_sha256());
  return {Pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); }), Pem([&](BIO* bio) {
            PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

std::string KeyAs(KeyForm form, const std::string& key_pem) {
  const std::unique_ptr<BIO, Free> in(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const auto* const passphrase = reinterpret_cast<const unsigned char*>("secret");
  return Pem([&](BIO* bio) {
    switch (form) {
      case KeyForm::kEncryptedPkcs8:
        PEM_write_bio_PKCS8PrivateKey(bio, key.get(), EVP_aes_256_cbc(), "secret", 6, nullptr,
                                      nullptr);
        break;
      case KeyForm::kEncryptedLegacy:
        PEM_write_bio_PrivateKey_traditional(bio, key.get(), EVP_aes_128_cbc(), passphrase, 6,
                                             nullptr, nullptr);
        break;
      case KeyForm::kTraditional:
        PEM_write_bio_PrivateKey_traditional(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        break;
      case KeyForm::kDer:
        i2d_PKCS8PrivateKey_bio(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        break;
    }
  });
}

std::string NewKey(const std::string& kind) {
  const Key key(kind == "RSA" ? EVP_RSA_gen(2048)
                : kind[0] == 'E' || kind[0] == 'X'
                    ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind.c_str())
                    : EVP_EC_gen(kind.c_str()));
  return Pem([&](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

}  // namespace downwardfs
