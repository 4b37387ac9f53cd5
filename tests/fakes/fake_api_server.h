// SPDX-License-Identifier: Apache-2.0
//
// A Kubernetes API server double that misbehaves on demand: TLS, tokens, RBAC refusals, paging,
// watches with bookmarks and history, 410 in every form, streaming lists, restarts. A test owns it,
// changes its objects and injects faults from any thread; each connection has a thread here.
// Behaviour: Kubernetes 1.20, and 1.37 for streaming lists and their compression; the real captures
// lie beside the tests.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/worker_thread.h"
#include "tests/fakes/http_connection.h"
#include "tests/fakes/test_certificates.h"

namespace downwardfs {

/// Something that goes wrong once.
struct ServerFault {
  enum class Kind {
    kBody,             ///< `body` tells what
    kClose,            ///< the connection is closed without an answer
    kWrongType,        ///< 200 text/html
    kTooManyRequests,  ///< 429 with Retry-After: 1
    kServerError,      ///< 500
    kUnavailable,      ///< 503, no Status
    kExpired,          ///< 410, as an HTTP status
    kExpiredEvent,     ///< 410, as an ERROR event
    kUnauthorized,     ///< 401
    kOversized,        ///< an object of 1 MB more
    kHalfUtf8,         ///< the body ends within a character
    kDuplicates,       ///< each event twice, then the object's previous event again
    kStaleToken,       ///< 410 for the continue token only
    kRedirect,         ///< 307 to `text`
    kNoHead,           ///< no answer, until the client goes
    kErrorEvent,       ///< an ERROR event with status 500 and nothing before it
    kSamePage,         ///< a page that continues at itself
  };
  Kind kind = Kind::kServerError;
  std::string verb = {};  ///< "list", "watch", "get", or "list nodes"; empty: any
  BodyFault body = {};
  std::string text = {};
};

/// See the head of this file.
class FakeApiServer {
 public:
  enum class StreamingLists { kRefused, kIgnored, kSupported };

  struct Options {
    bool tls = true;
    std::string certificate_names = "DNS:localhost,IP:127.0.0.1";  ///< empty: a common name alone
    std::string common_name = "api";
    bool needs_certificate = false;  ///< of the client; without one the handshake fails
    std::string token = {};          ///< empty: anybody may come in
    StreamingLists streaming_lists = StreamingLists::kSupported;
    /// If the client accepts gzip: each flush of a streaming list a member of its own (1.37),
    /// and lists from 128 KiB on.
    bool compression = true;
    /// Pages are never larger, whatever `limit` says (0: as `limit`).
    std::size_t page = 0;
    std::size_t object_padding = 0;
    bool gzip = false;  ///< of single objects
    /// Called with each line of a watch right before its bytes go to the socket.
    std::function<void(const std::string&)> before_line = {};
  };

  FakeApiServer();
  explicit FakeApiServer(Options options);
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  std::string url() const;
  int port() const { return port_; }
  std::string ca_pem() const { return authority_->pem(); }
  const TestAuthority& authority() const { return *authority_; }

  /// Creates or changes a pod; returns its resourceVersion.
  std::string Put(const std::string& ns, const std::string& name, const std::string& label,
                  const std::string& node = "node1");
  /// JSON members of any object: behind nodeName in its spec, and behind its status.
  struct Members {
    std::string spec = {};       ///< `"volumes":[...]`
    std::string more = {};       ///< `"data":{...}`
    std::string node = "node1";  ///< of a pod
    std::string whole = {};      ///< the object's JSON instead of all this
  };
  /// Creates or changes an object of any core resource ("pods", "nodes", "secrets").
  std::string PutObject(const std::string& resource, const std::string& ns, const std::string& name,
                        const Members& members, const std::string& label = "one");
  /// The object as the server has it; empty: there is no such object.
  std::string Json(const std::string& resource, const std::string& ns,
                   const std::string& name) const;
  void Delete(const std::string& ns, const std::string& name);
  /// "ns/name uid rv label", sorted: what a client should hold.
  std::vector<std::string> Pods() const;

  /// Every watcher gets a bookmark now.
  void Bookmark();
  /// Forgets the history: older watches and continue tokens are expired.
  void Compact();
  /// Stops listening and drops every connection; Start() listens on the same port.
  void Stop();
  void Start();
  /// Drops every connection.
  void Drop();
  /// As an etcd restored from a backup: versions go on from `version`, histories are gone.
  void RestoreAt(std::uint64_t version);
  /// A new CA and a new certificate, for connections from now on.
  void RotateCertificates();
  void SetToken(const std::string& token);
  void SetStreamingLists(StreamingLists mode);
  /// Streaming lists are refused with this status, or with an ERROR event that has it.
  struct StreamingRefusal {
    int code = 422;
    bool as_event = false;
  };
  void RefuseStreaming(StreamingRefusal refusal);
  /// As behind a proxy that buffers: nothing of a watch is seen, its head included, until it ends.
  void HoldWatchesBack();
  /// Watches end after so long, whatever they ask for.
  void LimitWatches(std::chrono::milliseconds limit);
  /// "list pods", or "list pods NAMESPACE": answered with 403. As Inject(), for lists.
  void Forbid(const std::string& verb_and_resource);

  /// The answer to a SubjectAccessReview for that user: whether it may get these. Nobody may at
  /// first.
  void AllowGet(const std::string& user, const std::string& resource, bool allowed);
  void AllowNodes(const std::string& user, bool allowed) { AllowGet(user, "nodes", allowed); }
  /// The body of the last SubjectAccessReview.
  std::string LastReview() const;

  /// The next flush of a compressed watch has a wrong checksum.
  void DamageNextFlush();

  /// A fault of lists refuses streaming lists too: a client asks for others only then.
  void Inject(ServerFault fault, int times = 1);
  std::size_t FaultsLeft() const;

  /// Requests so far: "list /api/v1/pods?limit=500&...", in order of arrival.
  std::vector<std::string> Requests() const;
  /// How many connections were accepted.
  std::size_t Connections() const;
  /// The headers of the last request, and the client certificate's name as ":client".
  std::map<std::string, std::string> LastHeaders() const;
  /// Waits until `count` watches are open and have caught up. False after 60 s.
  bool WaitForWatchers(std::size_t count) const;

 private:
  struct Stored {
    std::string ns, name, uid, label, node;
    Members members;
    std::uint64_t version = 0;
    std::string json;
  };
  struct Event {
    const char* type;
    std::uint64_t version;
    std::string resource;
    std::string ns, name, node;
    std::string json;
  };
  struct Connection {
    std::shared_ptr<SSL_CTX> context;
    std::unique_ptr<HttpConnection> http;
    OwnedFd event;  ///< an eventfd: something changed
    bool over = false;
    std::unique_ptr<WorkerThread> thread;  ///< last: joined before the rest goes
  };
  struct WatchState;
  using Objects = std::map<std::string, Stored>;  // by "ns/name"

  void Accept();
  void Serve(Connection& connection);
  bool Answer(Connection& connection, const ServedRequest& request);
  bool AnswerFault(HttpConnection& http, const ServerFault& fault, const std::string& verb);
  bool Get(HttpConnection& http, const std::string& resource, const std::string& key);
  bool List(HttpConnection& http, const ServedRequest& request, const std::string& resource,
            const std::string& ns, const ServerFault* fault);
  bool Watch(Connection& connection, const ServedRequest& request, const std::string& resource,
             const std::string& ns, const ServerFault* fault);
  std::vector<std::string> FirstLines(const ServedRequest& request, WatchState* state)
      REQUIRES(mutex_);
  std::vector<std::string> NextLines(WatchState* state) REQUIRES(mutex_);
  std::string Flush(const WatchState& state, std::string lines);
  /// False once the watch is over.
  bool SendLines(HttpConnection& http, const std::vector<std::string>& lines,
                 const ServerFault* fault, WatchState* state);
  bool Create(HttpConnection& http, const ServedRequest& request, const std::string& resource,
              const std::string& ns);
  bool Review(HttpConnection& http, const ServedRequest& request);
  bool Patch(HttpConnection& http, const ServedRequest& request, const std::string& resource,
             const std::string& key);
  bool Remove(HttpConnection& http, const std::string& resource, const std::string& key);
  bool Discover(HttpConnection& http, const std::string& path);
  bool Refuse(HttpConnection& http, int code, const std::string& reason, const std::string& message,
              const std::string& extra = {});

  std::string Render(const std::string& resource, const Stored& object) const;
  std::string Store(const std::string& resource, Stored object) REQUIRES(mutex_);
  void Erase(const std::string& resource, const std::string& key) REQUIRES(mutex_);
  void Notify() REQUIRES(mutex_);
  void ExpectLists(const std::string& verb) REQUIRES(mutex_);
  void MakeContext() REQUIRES(mutex_);

  Options options_;
  std::unique_ptr<TestAuthority> authority_;
  int port_ = 0;
  OwnedFd stop_event_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::shared_ptr<SSL_CTX> context_ GUARDED_BY(mutex_);
  std::map<std::string, Objects> objects_ GUARDED_BY(mutex_);  // by resource
  std::deque<Event> history_ GUARDED_BY(mutex_);
  std::uint64_t version_ GUARDED_BY(mutex_) = 100;
  std::uint64_t compacted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t epoch_ GUARDED_BY(mutex_) = 0;
  std::uint64_t bookmarks_ GUARDED_BY(mutex_) = 0;
  std::uint64_t next_uid_ GUARDED_BY(mutex_) = 1;
  std::map<std::string, std::vector<std::string>> pages_ GUARDED_BY(mutex_);  // by token
  std::deque<ServerFault> faults_ GUARDED_BY(mutex_);
  bool damage_next_flush_ GUARDED_BY(mutex_) = false;
  std::chrono::milliseconds longest_watch_ GUARDED_BY(mutex_){std::chrono::hours(1)};
  StreamingRefusal refusal_ GUARDED_BY(mutex_);
  bool hold_watches_back_ GUARDED_BY(mutex_) = false;
  std::set<std::string> forbidden_ GUARDED_BY(mutex_);
  // Users and resources.
  std::set<std::pair<std::string, std::string>> may_get_ GUARDED_BY(mutex_);
  std::string last_review_ GUARDED_BY(mutex_);
  std::vector<std::string> requests_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> last_headers_ GUARDED_BY(mutex_);
  std::size_t accepted_ GUARDED_BY(mutex_) = 0;
  /// Watches that have sent all there is.
  std::set<const Connection*> idle_watchers_ GUARDED_BY(mutex_);
  std::list<std::unique_ptr<Connection>> connections_ GUARDED_BY(mutex_);

  OwnedFd listener_;
  std::unique_ptr<WorkerThread> acceptor_;
};

}  // namespace downwardfs
