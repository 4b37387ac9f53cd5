// SPDX-License-Identifier: Apache-2.0
#include "client/http/curl_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/version.h"
#include "client/http/content_coding.h"
#include "client/http/local_cause.h"

namespace downwardfs::client {
namespace {

constexpr std::size_t kErrorBodyBytes = std::size_t{64} << 10;

ConnectLimits LimitsOf(const TransferSpec& spec, const HttpRequest& request) {
  ConnectLimits limits = spec.connect_limits;
  if (request.dial_limit.count() > 0) limits.dial = std::min(limits.dial, request.dial_limit);
  return limits;
}

// Whether a request that waits for the connection of another begins once that one is up. Since
// libcurl 8.14 (Debian 13) some begin with the next event, seconds later. Without the wait,
// requests that begin together have a connection each, and later ones share one of these.
bool WaitsWell() {
  constexpr unsigned int kStopsWaitingWell = 0x080e00;
  static const bool waits_well =
      curl_version_info(CURLVERSION_NOW)->version_num < kStopsWaitingWell;
  return waits_well;
}

TransferFault FaultOf(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return TransferFault::kNone;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return TransferFault::kResolve;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return TransferFault::kConnect;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return TransferFault::kCertificate;
    case CURLE_SSL_CERTPROBLEM:
      return TransferFault::kIdentity;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
      return TransferFault::kTls;
    case CURLE_OPERATION_TIMEDOUT:
      return TransferFault::kTimeout;
    case CURLE_BAD_CONTENT_ENCODING:  // libcurl 8 refuses a Transfer-Encoding itself
      return TransferFault::kEncoding;
    case CURLE_ABORTED_BY_CALLBACK:
      return TransferFault::kCancelled;
    default:
      return TransferFault::kBroken;
  }
}

}  // namespace

CurlLoop::Transfer::Transfer(const TransferSpec& spec, const HttpRequest& request,
                             ResponseHandler& handler, const Clock& clock)
    : spec_(spec),
      request_(request),
      handler_(handler),
      clock_(clock),
      easy_(curl_easy_init()),
      started_(clock.Steady()),
      last_byte_(started_),
      limits_(LimitsOf(spec, request)),
      phases_(limits_, started_) {}

bool CurlLoop::Transfer::SetUp() {
  if (!easy_) {
    result_.fault = TransferFault::kBroken;
    result_.detail = "curl: out of memory";
    return false;
  }
  Set(CURLOPT_ERRORBUFFER, error_text_);
  Set(CURLOPT_URL, spec_.url.c_str());
  Set(CURLOPT_PATH_AS_IS, 1L);
  Set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (!request_.content_type.empty() || !request_.body.empty()) {
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    Set(CURLOPT_POSTFIELDS, request_.body.data());
  }
  Set(CURLOPT_PRIVATE, static_cast<void*>(this));
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  const std::string agent = "downwardfs/" + std::string(Version());
  Set(CURLOPT_USERAGENT, agent.c_str());
  // curl would add no Accept-Encoding of its own; decoding is ours (gzip_decoder.h).
  Set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
  std::vector<std::string> headers = spec_.headers;
  if (spec_.compression) headers.emplace_back("Accept-Encoding: gzip");
  headers.emplace_back("Accept: application/json");
  headers.emplace_back("Expect:");  // no 100-continue: it costs a round trip
  if (!request_.content_type.empty()) headers.push_back("Content-Type: " + request_.content_type);
  for (const std::string& header : headers) {
    headers_.reset(curl_slist_append(headers_.release(), header.c_str()));
  }
  Set(CURLOPT_HTTPHEADER, headers_.get());
  // A proxy must not see the bearer token in its CONNECT.
  Set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!spec_.username.empty()) {
    Set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    Set(CURLOPT_USERNAME, spec_.username.c_str());
    Set(CURLOPT_PASSWORD, spec_.password.c_str());
  }
  SetConnection();
  SetPhases();
  SetTls();
  if (set_up_ == CURLE_OK) return true;
  End(set_up_);
  return false;
}

void CurlLoop::Transfer::SetConnection() {
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Only TLS's ALPN tells that HTTP/2 is spoken. Over plain http a request would wait for the whole
  // answer of the one before, which a watch never ends.
  const bool may_be_http2 = spec_.url.starts_with("https://");
  Set(CURLOPT_PIPEWAIT, may_be_http2 && WaitsWell() ? 1L : 0L);
  Set(CURLOPT_BUFFERSIZE, 64L << 10);
  Set(CURLOPT_TCP_KEEPALIVE, 1L);
  Set(CURLOPT_TCP_KEEPIDLE, 30L);
  Set(CURLOPT_TCP_KEEPINTVL, 10L);
  Set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  Set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  Set(CURLOPT_SOCKOPTFUNCTION, &OnSocket);
  Set(CURLOPT_SOCKOPTDATA, static_cast<void*>(this));
  // A name that resolves slowly must not hold up the loop when its transfer is given up.
  Set(CURLOPT_QUICK_EXIT, 1L);
  Set(CURLOPT_PROXY, spec_.proxy.c_str());  // empty: none, whatever ALL_PROXY says
  Set(CURLOPT_NOPROXY, spec_.no_proxy.c_str());
  if (!spec_.connect_to.empty()) {
    // An empty host and port match whatever the URL has.
    connect_to_.reset(curl_slist_append(nullptr, ("::" + spec_.connect_to).c_str()));
    Set(CURLOPT_CONNECT_TO, connect_to_.get());
  }
}

Clock::SteadyTime CurlLoop::Transfer::Deadline() {
  Observe();
  auto deadline = phases_.Deadline();
  if (request_.overall_limit.count() > 0) {
    deadline = std::min(deadline, started_ + request_.overall_limit);
  }
  if (!phases_.sent()) return deadline;
  if (request_.idle_limit.count() > 0) {
    deadline = std::min(deadline, std::max(last_byte_, phases_.entered()) + request_.idle_limit);
  }
  if (request_.total_limit.count() > 0) {
    deadline = std::min(deadline, phases_.entered() + request_.total_limit);
  }
  if (request_.head_limit.count() > 0 && result_.response.status == 0) {
    deadline = std::min(deadline, phases_.entered() + request_.head_limit);
  }
  return deadline;
}

std::string CurlLoop::Transfer::LimitMet() const {
  const auto now = clock_.Steady();
  const auto in_seconds = [](std::chrono::milliseconds limit) {
    return std::to_string((limit.count() + 999) / 1000) + " s";
  };
  const auto met = [now](std::chrono::milliseconds limit, Clock::SteadyTime since) {
    return limit.count() > 0 && since + limit <= now;
  };
  if (met(request_.overall_limit, started_)) {
    return "it was not complete within " + in_seconds(request_.overall_limit);
  }
  if (!phases_.sent()) return phases_.LimitMet();
  const auto sent_at = phases_.entered();
  if (result_.response.status == 0 && met(request_.head_limit, sent_at)) {
    return "it did not begin within " + in_seconds(request_.head_limit);
  }
  if (met(request_.idle_limit, std::max(last_byte_, sent_at))) {
    return "nothing came for " + in_seconds(request_.idle_limit);
  }
  return "it was not complete within " + in_seconds(request_.total_limit);
}

// As curl's own, but closed in the programs that we start, and with the reason of a failure.
curl_socket_t CurlLoop::Transfer::OpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd >= 0) return fd;
  static_cast<Transfer*>(self)->socket_errno_ = errno;
  return CURL_SOCKET_BAD;
}

int CurlLoop::Transfer::OnSocket(void* self, curl_socket_t fd, curlsocktype) {
  static_cast<Transfer*>(self)->NoteSocket(fd);
  // Three lost probes, or 30 s without an answer to what we sent: the peer is dead.
  const int probes = 3;
  const unsigned unanswered_ms = 30'000;
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
  return CURL_SOCKOPT_OK;
}

bool CurlLoop::Transfer::HeadComplete() {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return true;  // 100 Continue and its like
  HttpResponse& response = result_.response;
  response.status = static_cast<int>(status);
  char* type = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) response.content_type = type;
  if (auto prepared = PrepareDecoder(); !prepared) {
    DecodingFailed(std::move(prepared.error()));
    return !Successful();
  }
  if (status >= 300) return true;
  if (auto taken = handler_.OnHead(response); !taken) {
    handler_failed_ = true;
    result_.handler_error = std::move(taken.error());
    return false;
  }
  return true;
}

std::size_t CurlLoop::Transfer::OnHeader(char* data, std::size_t, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.Heard();
  const std::string_view line(data, count);
  if (line != "\r\n" && line != "\n") return count;
  // The trailer of a chunked body ends with an empty line too.
  if (transfer.result_.response.status != 0) return count;
  return transfer.HeadComplete() ? count : 0;
}

std::vector<std::string_view> CurlLoop::Transfer::Fields(const char* name) const {
  std::vector<std::string_view> values;
  curl_header* header = nullptr;
  for (std::size_t i = 0;
       curl_easy_header(easy_.get(), name, i, CURLH_HEADER, -1, &header) == CURLHE_OK; ++i) {
    values.emplace_back(header->value);
  }
  return values;
}

Status CurlLoop::Transfer::PrepareDecoder() {
  if (auto ok = CheckTransferCoding(Fields("Transfer-Encoding")); !ok) return ok;
  auto coding = ContentCodingOf(Fields("Content-Encoding"));
  if (!coding) return Fail(std::move(coding.error()));
  if (*coding == ContentCoding::kGzip) decoder_.emplace();
  return {};
}

// The status counts; the body of an error only explains it.
void CurlLoop::Transfer::DecodingFailed(Error error) {
  if (!Successful()) {
    skip_body_ = true;
    return;
  }
  decoding_fault_ = error.code == ErrorCode::kResourceExhausted ? TransferFault::kExpansion
                                                                : TransferFault::kEncoding;
  result_.detail = std::move(error.message);
}

Status CurlLoop::Transfer::TakeDecoded(std::string_view bytes) {
  if (!Successful()) {
    std::string& body = result_.response.error_body;
    body.append(bytes.substr(0, kErrorBodyBytes - body.size()));
    skip_body_ = body.size() == kErrorBodyBytes;
    return {};
  }
  auto taken = handler_.OnBody(bytes);
  if (!taken) {
    handler_failed_ = true;
    result_.handler_error = taken.error();
  }
  return taken;
}

bool CurlLoop::Transfer::TakeBody(std::string_view bytes) {
  if (skip_body_) return true;
  if (!decoder_) return TakeDecoded(bytes).has_value();
  auto decoded = decoder_->Feed(bytes, [this](std::string_view out) { return TakeDecoded(out); });
  if (decoded || handler_failed_) return decoded.has_value();
  DecodingFailed(std::move(decoded.error()));
  return skip_body_;
}

std::size_t CurlLoop::Transfer::OnBody(char* data, std::size_t, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.Heard();
  return transfer.TakeBody(std::string_view(data, count)) ? count : 0;
}

long CurlLoop::Transfer::LocalPort() const {
  long port = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_LOCAL_PORT, &port);
  return port;
}

bool CurlLoop::Transfer::IsHttp2() const {
  long version = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
  return version == CURL_HTTP_VERSION_2_0;
}

void CurlLoop::Transfer::Lose() {
  const auto since = clock_.Steady() - heard_.value_or(started_);
  result_.fault = TransferFault::kLost;
  result_.detail = "nothing came for " +
                   std::to_string(std::chrono::ceil<std::chrono::seconds>(since).count()) +
                   " s, and the connection does not answer a GET of /livez";
}

// curl says that it has no connection; the reason may be here, and then it is not the server's.
bool CurlLoop::Transfer::BlameThisMachine(CURLcode code) {
  int errnum = socket_errno_;
  // A resolver and a reader of certificates open files and do not say if they could not.
  if (errnum == 0) errnum = DescriptorShortage();
  if (errnum == 0 && code == CURLE_OUT_OF_MEMORY) errnum = ENOMEM;
  if (errnum == 0 && code == CURLE_COULDNT_CONNECT) {
    long connect_errno = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &connect_errno);
    errnum = static_cast<int>(connect_errno);
  }
  const auto cause = LocalCause(errnum);
  if (!cause) return false;
  result_.fault = TransferFault::kLocal;
  result_.detail = *cause;
  return true;
}

void CurlLoop::Transfer::End(CURLcode code) {
  if (code == CURLE_OK && decoder_ && !skip_body_) {
    if (auto whole = decoder_->Finish(); !whole) DecodingFailed(std::move(whole.error()));
  }
  result_.fault = handler_failed_ ? TransferFault::kHandler : FaultOf(code);
  if (decoding_fault_ != TransferFault::kNone) {
    result_.fault = decoding_fault_;
    return;
  }
  if (result_.fault == TransferFault::kNone && result_.response.status == 0) {
    result_.fault = TransferFault::kBroken;
    result_.detail = "no status line";
    return;
  }
  const bool no_connection =
      code == CURLE_OUT_OF_MEMORY || result_.fault == TransferFault::kResolve ||
      result_.fault == TransferFault::kConnect || result_.fault == TransferFault::kTls ||
      result_.fault == TransferFault::kCertificate || result_.fault == TransferFault::kIdentity;
  if (no_connection && BlameThisMachine(code)) return;
  if (result_.fault != TransferFault::kNone) {
    result_.detail = error_text_;
    if (result_.detail.empty()) {
      // A limit of ours has no words of curl's. That of a connection says nothing of the server.
      const bool ours = code == CURLE_OPERATION_TIMEDOUT;
      const bool overall = request_.overall_limit.count() > 0 &&
                           started_ + request_.overall_limit <= clock_.Steady();
      result_.own_limit = ours && (phases_.sent() || overall);
      result_.detail = ours ? LimitMet() : curl_easy_strerror(code);
    }
    SetBlame();
    return;
  }
  curl_off_t retry_after = 0;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
      retry_after > 0) {
    result_.response.retry_after = std::chrono::seconds(retry_after);
  }
  char* redirect = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &redirect);
  if (redirect != nullptr) result_.redirect_url = redirect;
}

}  // namespace downwardfs::client
