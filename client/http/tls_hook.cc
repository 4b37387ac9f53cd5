// SPDX-License-Identifier: Apache-2.0
#include "client/http/tls_hook.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "base/text.h"
#include "client/config/openssl_types.h"
#include "client/config/pem_blocks.h"

namespace downwardfs::client {

class TrustStore {
 public:
  TrustStore() : store_(X509_STORE_new()) {
    // As libcurl's own: each given certificate is a root, also where it is signed by another.
    X509_STORE_set_flags(store_, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  }
  ~TrustStore() { X509_STORE_free(store_); }
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;

  X509_STORE* get() const { return store_; }

 private:
  X509_STORE* const store_;
};

namespace {

using SharedNotes = std::shared_ptr<TlsNotes>;

void FreeNotes(void*, void* notes, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<SharedNotes*>(notes);  // NOLINT(cppcoreguidelines-owning-memory)
}

int NotesIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &FreeNotes);
  return index;
}

TlsNotes& NotesOf(const SSL* ssl) {
  return **static_cast<SharedNotes*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), NotesIndex()));
}

std::string AlertName(int alert) {
  constexpr int kMissingExtension = 109;  // RFC 8446, section 6; OpenSSL 3.0 has no words for two
  constexpr int kCertificateRequired = 116;
  if (alert == kMissingExtension) return "missing extension";
  if (alert == kCertificateRequired) return "certificate required";
  return SSL_alert_desc_string_long(alert);
}

void OnInfo(const SSL* ssl, int where, int value) {
  TlsNotes& notes = NotesOf(ssl);
  if ((where & SSL_CB_HANDSHAKE_DONE) != 0) notes.done = notes.begun;
  const int alert = value & 0xff;
  const bool from_peer = (where & SSL_CB_ALERT) != 0 && (where & SSL_CB_READ) != 0;
  if (from_peer && alert != SSL_AD_CLOSE_NOTIFY && alert != SSL_AD_USER_CANCELLED) {
    notes.alert = AlertName(alert);
  }
}

int OnCertificateAsked(SSL* ssl, void*) {
  NotesOf(ssl).certificate_asked = true;
  return 1;
}

std::string Subject(X509* certificate) {
  const Openssl<BIO> bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return QuoteForMessage({data, static_cast<std::size_t>(size)});
}

// A name or an address in the certificate's subject alternative names. The common name does not
// count.
bool HasAlternativeName(X509* certificate) {
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool has = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const int type = sk_GENERAL_NAME_value(names, i)->type;
    has = has || type == GEN_DNS || type == GEN_IPADD;
  }
  GENERAL_NAMES_free(names);
  return has;
}

int OnVerify(int ok, X509_STORE_CTX* verified) {
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(verified, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsNotes& notes = NotesOf(ssl);
  X509* const certificate = X509_STORE_CTX_get_current_cert(verified);
  const bool leaf = X509_STORE_CTX_get_error_depth(verified) == 0;
  if (ok == 1 && leaf && !HasAlternativeName(certificate)) {
    // As Go since 1.17: "certificate relies on legacy Common Name field, use SANs instead".
    notes.refusal = "the certificate " + Subject(certificate) +
                    " names no server: it relies on the legacy Common Name field; issue it with"
                    " subject alternative names (SANs)";
    X509_STORE_CTX_set_error(verified, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
  }
  if (ok == 0) {
    notes.refusal = X509_verify_cert_error_string(X509_STORE_CTX_get_error(verified));
    if (certificate != nullptr) notes.refusal += " (" + Subject(certificate) + ")";
  }
  return ok;
}

}  // namespace

std::shared_ptr<const TrustStore> MakeTrustStore(const std::vector<std::string>& pems) {
  auto store = std::make_shared<TrustStore>();
  for (const std::string& pem : pems) {
    for (const PemBlock& block : ReadPemBlocks(pem)) {
      if (const auto root = ParseCertificate(block.der)) {
        X509_STORE_add_cert(store->get(), root.get());  // one that is there already is kept once
      }
    }
  }
  ERR_clear_error();
  return store;
}

void PrepareTls(void* ssl_context, SharedNotes notes, const TrustStore* roots, bool verify) {
  auto* const context = static_cast<SSL_CTX*>(ssl_context);
  ++notes->begun;
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): FreeNotes deletes it with the context
  SSL_CTX_set_ex_data(context, NotesIndex(), new SharedNotes(std::move(notes)));
  SSL_CTX_set_info_callback(context, &OnInfo);
  SSL_CTX_set_cert_cb(context, &OnCertificateAsked, nullptr);
  if (!verify) return;
  if (roots != nullptr) SSL_CTX_set1_cert_store(context, roots->get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &OnVerify);
}

}  // namespace downwardfs::client
