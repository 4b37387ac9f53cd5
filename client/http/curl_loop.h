// SPDX-License-Identifier: Apache-2.0
//
// libcurl's multi interface on one named thread: connections are kept and shared (HTTP/2 puts all
// requests on one), bodies arrive while they come in. Owned by one CurlTransport. Start() and
// Stop() may be called by any thread; everything with curl in it happens on the loop's thread.
//
// The thread sleeps until a socket or one of our own limits wakes it. curl's speed limit would do
// for the idle limit, but it wakes once a second for as long as a watch lasts.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker_thread.h"
#include "client/config/tls_identity.h"
#include "client/http/connect_phases.h"
#include "client/http/transport.h"
#include "client/http/trust_anchors.h"

namespace downwardfs::client {

/// Everything that one transfer is sent with. PEM bytes are held, not file names: files rotate;
/// they have been checked (trust_anchors.h, client_identity.h).
struct TransferSpec {
  std::string url;
  /// Non-empty: connect there (host:port) instead of to the URL's host, which is then what TLS asks
  /// for and checks.
  std::string connect_to;
  std::string proxy;
  /// The hosts that are reached without a proxy, as CURLOPT_NOPROXY has them: "*" for none by
  /// proxy, empty for all. The rules of NO_PROXY are in it already (proxy_rules.h).
  std::string no_proxy;
  /// TLS, with the server and with an https proxy.
  bool verify = true;
  Trust trust;
  TlsIdentity identity;
  std::vector<std::string> headers;  ///< "Name: value"; for the server, not for a proxy
  std::string username, password;    ///< basic authentication
  bool compression = true;           ///< offer gzip; what comes compressed is decoded in any case
  ConnectLimits connect_limits;
  /// GET this to find out if an HTTP/2 connection lives (connection_liveness.h); empty: never.
  std::string liveness_url;
};

/// When an HTTP/2 connection is taken for dead.
struct LivenessLimits {
  std::chrono::milliseconds silence{30'000};  ///< nothing came for so long: it is asked
  std::chrono::milliseconds answer{15'000};   ///< and has so long to answer
};

/// Why a transfer has ended without a complete answer.
enum class TransferFault {
  kNone,
  kResolve,
  kConnect,
  kTls,          ///< the handshake failed
  kCertificate,  ///< the server's certificate is not trusted, or is for another name
  kIdentity,     ///< our own certificate or key is no good
  kTimeout,
  kLocal,      ///< this process or machine lacks something; `detail` says what to do
  kLost,       ///< the connection is open and dead
  kBroken,     ///< the connection ended or what came over it is no HTTP
  kEncoding,   ///< the body is not encoded as it says, or in a way that is not known here
  kExpansion,  ///< the body expands too far (GzipDecoder::Limits)
  kHandler,
  kCancelled,
};

/// One transfer's outcome.
struct TransferResult {
  TransferFault fault = TransferFault::kNone;
  std::string detail;      ///< curl's words; ours for a limit of ours and, but for what
                           ///< libcurl refuses itself, for kEncoding and kExpansion
  bool own_limit = false;  ///< kTimeout: a limit of the request's, not of the connect
  bool at_proxy = false;   ///< the fault lies with the proxy, or with the way to it
  Error handler_error;
  HttpResponse response;
  std::string redirect_url;
};

class ConnectionLiveness;

/// The loop. Destroying it cancels what is under way and joins the thread.
class CurlLoop {
 public:
  explicit CurlLoop(const Clock& clock = Clock::Real(), LivenessLimits liveness = {});
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  /// Sends and waits for the end. Not to be called on the loop's thread.
  TransferResult Run(const TransferSpec& spec, const HttpRequest& request, ResponseHandler& handler,
                     Cancellation* cancellation);

  /// False if it could not be set up, for want of descriptors: then Run() fails at once.
  bool usable() const;
  /// Cancels what is under way and refuses what comes later. Any thread; does not wait.
  void Stop() EXCLUDES(mutex_);

  class Transfer;  // curl_transfer.h

 private:
  struct Multi;

  void Loop();
  /// True when it is time to stop.
  bool TakeIncoming(std::vector<Transfer*>* active);
  void EndOverdue(std::vector<Transfer*>* active, std::chrono::milliseconds* wait);
  void EndLost(std::vector<Transfer*>* active, std::chrono::milliseconds* wait);
  void Begin(std::vector<Transfer*>* active, Transfer* transfer);
  void ReadFinished(std::vector<Transfer*>* active);
  void Finish(std::vector<Transfer*>* active, Transfer* transfer);
  void Wake();

  const Clock& clock_;
  std::unique_ptr<Multi> multi_;
  std::unique_ptr<ConnectionLiveness> liveness_;
  Mutex mutex_;
  CondVar finished_;
  std::vector<Transfer*> incoming_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  WorkerThread thread_;
};

}  // namespace downwardfs::client
