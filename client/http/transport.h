// SPDX-License-Identifier: Apache-2.0
//
// Requests to one API server, as the rest of client/ sees them: curl is one implementation
// (curl_transport.h), tests have others. Any thread may perform requests; many at a time.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"

namespace downwardfs::client {

/// One request. The transport adds who we are (credentials, impersonation).
struct HttpRequest {
  std::string method = "GET";
  /// Path and query behind the server's URL, starting with '/'.
  std::string target;
  std::string content_type;  ///< of `body`; empty: none is sent
  std::string body;
  /// Give up when the answer has not begun (its status and headers) so long after the request was
  /// sent; zero: no limit. The making of a connection has limits of its own (connect_phases.h).
  std::chrono::milliseconds head_limit{0};
  /// Give up when not one byte came for so long; zero: wait for ever.
  std::chrono::milliseconds idle_limit{60'000};
  /// That silence, once the answer has begun, is how this request ends: no sign of a dead peer.
  bool ends_with_silence = false;
  /// Give up when the whole answer has taken so long since the request was sent; zero: no limit.
  std::chrono::milliseconds total_limit{0};
  /// Give up a connection (addresses and TCP) after so long; zero: the transport's own limit.
  std::chrono::milliseconds dial_limit{0};
  /// Give up when the connection and the whole answer have taken so long; zero: no limit.
  std::chrono::milliseconds overall_limit{0};
  /// Give up when credentials that are made without a person (a plugin's) have taken so long; zero:
  /// as long as they take.
  std::chrono::milliseconds credentials_limit{0};
};

/// The server's answer.
struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::optional<std::chrono::seconds> retry_after;
  /// The body (its first 64 KiB) where the status is not 2xx: mostly a metav1.Status.
  std::string error_body;
};

/// Why no answer came, as far as a retry must know.
enum class NoAnswer {
  kOther,
  kNoConnection,    ///< nothing was sent: no credentials, no connection
  kConnectionLost,  ///< the connection was open and dead
};

/// Takes a 2xx response as it comes. Called on the transport's thread: must not block and must not
/// perform requests. An error ends the transfer and is what Perform() returns.
class ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  /// The status line and headers are there.
  virtual Status OnHead(const HttpResponse& head) = 0;
  /// The next bytes of the body, decoded (docs/http.md), in any chunking.
  virtual Status OnBody(std::string_view bytes) = 0;
  /// Perform() fails next. On its thread.
  virtual void OnNoAnswer(NoAnswer) {}
};

/// Ends requests from another thread. Sticky; shared by as many requests as one likes. Any thread.
class Cancellation {
 public:
  void Cancel();
  bool cancelled() const;

  /// Runs `hook` when cancelled (at once if it already is), until Remove() with what it returned.
  /// For transports. A hook must be quick and must not call back into the Cancellation.
  int AddHook(std::function<void()> hook);
  void RemoveHook(int id);

 private:
  mutable Mutex mutex_;
  bool cancelled_ GUARDED_BY(mutex_) = false;
  int next_id_ GUARDED_BY(mutex_) = 0;
  std::map<int, std::function<void()>> hooks_ GUARDED_BY(mutex_);
};

/// Sends requests to one server.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Sends the request and returns when the answer is complete; the status may be any, redirects
  /// and a first 401 have been dealt with. An error means there was no complete answer: kCancelled,
  /// kUnavailable, kDeadlineExceeded, kFailedPrecondition (TLS), or what the handler returned. Its
  /// message names the server and what to do.
  virtual Result<HttpResponse> Perform(const HttpRequest& request, ResponseHandler& handler,
                                       Cancellation* cancellation) = 0;

  /// The owner ends: what runs for credentials (a plugin) is ended, and requests from now on fail
  /// with kCancelled where they need it. Requests under way are the Cancellation's. Any thread.
  virtual void Shutdown() {}

  /// For messages: the server's URL.
  virtual std::string Description() const = 0;
  /// For messages: who we are to the server, "token file /run/token"; never a secret.
  virtual std::string Identity() const = 0;
  /// For messages: ClusterConfig::cluster_wide.
  virtual bool ClusterWide() const { return false; }
};

}  // namespace downwardfs::client
