// SPDX-License-Identifier: Apache-2.0
//
// A transfer's connection: whom it trusts and what it shows of us, how far it is, and which of the
// proxy and the server is to blame where it fails.
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <string_view>

#include "base/text.h"
#include "client/http/curl_transfer.h"

namespace downwardfs::client {
namespace {

curl_blob Blob(const std::string& bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): curl's struct has no const; it copies.
  return {const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
}

// The same settings are for the server and for an https proxy, as in Go's http.Transport.
struct TlsOptions {
  CURLoption version, verify_peer, verify_host, ca_blob, ca_file, ca_path;
  CURLoption cert_type, cert_blob, key_type, key_blob, key_password;
};
constexpr std::array<TlsOptions, 2> kTlsOptions{{
    {CURLOPT_SSLVERSION, CURLOPT_SSL_VERIFYPEER, CURLOPT_SSL_VERIFYHOST, CURLOPT_CAINFO_BLOB,
     CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_SSLCERTTYPE, CURLOPT_SSLCERT_BLOB, CURLOPT_SSLKEYTYPE,
     CURLOPT_SSLKEY_BLOB, CURLOPT_KEYPASSWD},
    {CURLOPT_PROXY_SSLVERSION, CURLOPT_PROXY_SSL_VERIFYPEER, CURLOPT_PROXY_SSL_VERIFYHOST,
     CURLOPT_PROXY_CAINFO_BLOB, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH,
     CURLOPT_PROXY_SSLCERTTYPE, CURLOPT_PROXY_SSLCERT_BLOB, CURLOPT_PROXY_SSLKEYTYPE,
     CURLOPT_PROXY_SSLKEY_BLOB, CURLOPT_PROXY_KEYPASSWD},
}};

}  // namespace

void CurlLoop::Transfer::SetTls() {
  for (const TlsOptions& option : kTlsOptions) {
    Set(option.version, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    Set(option.verify_peer, spec_.verify ? 1L : 0L);
    Set(option.verify_host, spec_.verify ? 2L : 0L);
    // Only what the specification names is trusted; curl has defaults of its own.
    Set(option.ca_file, static_cast<char*>(nullptr));
    Set(option.ca_path, static_cast<char*>(nullptr));
    if (!spec_.trust.ca_pem.empty()) {
      curl_blob blob = Blob(spec_.trust.ca_pem);
      Set(option.ca_blob, &blob);
    }
    if (spec_.identity.cert_pem.empty()) continue;
    curl_blob cert = Blob(spec_.identity.cert_pem);
    curl_blob key = Blob(spec_.identity.key_pem);
    Set(option.cert_type, "PEM");
    Set(option.key_type, "PEM");
    Set(option.cert_blob, &cert);
    Set(option.key_blob, &key);
    // The key has been checked. Without this curl (7.88 and 8.14) follows a null pointer where it
    // takes a key for an encrypted one.
    Set(option.key_password, "");
  }
  // A resumed session would not look at the certificates; Go's client does not resume either.
  Set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
  Set(CURLOPT_SSL_CTX_FUNCTION, &OnTlsContext);
  Set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
}

void CurlLoop::Transfer::SetPhases() {
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.dial.count()));
  Set(CURLOPT_RESOLVER_START_FUNCTION, &OnResolve);
  Set(CURLOPT_RESOLVER_START_DATA, static_cast<void*>(this));
  Set(CURLOPT_PREREQFUNCTION, &OnSent);
  Set(CURLOPT_PREREQDATA, static_cast<void*>(this));
}

int CurlLoop::Transfer::OnResolve(void*, void*, void* self) {
  static_cast<Transfer*>(self)->progress_.dialing = true;
  return 0;
}

void CurlLoop::Transfer::NoteSocket(curl_socket_t fd) {
  progress_.dialing = true;
  struct stat st = {};
  if (fstat(fd, &st) == 0) sockets_.emplace_back(fd, st.st_ino);
}

int CurlLoop::Transfer::OnSent(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.progress_.sent = true;
  transfer.Observe();
  return CURL_PREREQFUNC_OK;
}

CURLcode CurlLoop::Transfer::OnTlsContext(CURL*, void* ssl_context, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.tls_->at_proxy = transfer.AtProxy();
  PrepareTls(ssl_context, transfer.tls_, transfer.spec_.trust.system.get(), transfer.spec_.verify);
  transfer.Observe();
  return CURLE_OK;
}

bool CurlLoop::Transfer::AtProxy() const {
  if (spec_.proxy.empty() || spec_.no_proxy == "*" || progress_.sent) return false;
  long connect = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &connect);
  return connect / 100 != 2;
}

// curl's own time of the connect is known only once a proxy has opened its tunnel. It may have
// closed a socket since it opened it, and the number may be another file's.
bool CurlLoop::Transfer::HasConnectedSocket() const {
  for (const auto& [fd, inode] : sockets_) {
    struct stat st = {};
    sockaddr_storage peer = {};
    socklen_t size = sizeof peer;
    if (fstat(fd, &st) == 0 && st.st_ino == inode &&
        getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0) {
      return true;
    }
  }
  return false;
}

void CurlLoop::Transfer::Observe() {
  if (progress_.sent && phases_.sent()) return;
  if (!progress_.connected) progress_.connected = HasConnectedSocket();
  progress_.tls_begun = tls_->begun;
  progress_.tls_done = tls_->done;
  phases_.Observe(progress_, clock_.Steady());
  const bool dialing = phases_.phase() == ConnectPhases::Phase::kQueued ||
                       phases_.phase() == ConnectPhases::Phase::kDial;
  if (dialing || past_dial_) return;
  // curl shares its limit out among a name's addresses, so that it must be that of the dial; what
  // follows has limits of ours.
  past_dial_ = true;
  curl_easy_setopt(easy_.get(), CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(limits_.all().count()));
}

// The words of the TLS library and of the proxy say more than curl's, which may be about the socket
// that the peer has closed since.
void CurlLoop::Transfer::SetBlame() {
  result_.at_proxy = AtProxy();
  long connect = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &connect);
  const bool tls_fault = result_.fault == TransferFault::kTls ||
                         result_.fault == TransferFault::kBroken ||
                         result_.fault == TransferFault::kIdentity;
  if (result_.fault == TransferFault::kCertificate && !tls_->refusal.empty()) {
    result_.detail = tls_->refusal;
  } else if (tls_fault && !tls_->alert.empty() && result_.response.status == 0) {
    result_.fault = TransferFault::kTls;
    result_.detail = "the peer refused with the TLS alert " + QuoteForMessage(tls_->alert);
  } else if (result_.fault == TransferFault::kBroken && tls_->certificate_asked &&
             result_.response.status == 0) {
    // The alert of TLS 1.3 comes after the handshake and may be lost with the connection.
    result_.fault = TransferFault::kTls;
    result_.detail = "the peer asked for a client certificate and closed the connection";
  } else if (result_.at_proxy && connect >= 300) {
    result_.fault = TransferFault::kConnect;
    result_.detail = "it answered CONNECT with HTTP " + std::to_string(connect);
  } else if (result_.detail.starts_with("getpeername() failed")) {
    result_.detail = "the peer closed the connection at once";
  }
}

}  // namespace downwardfs::client
