// SPDX-License-Identifier: Apache-2.0
//
// A server that speaks HTTP/2 and nothing else (RFC 9113; ALPN "h2" over TLS), for tests of the
// transport. It does not decode the requests' headers: the first request of the first connection is
// the watch, whose body goes on until the next request came; each later one gets a short answer. So
// a client that gets both has sent them over one connection, as streams of their own. Owned by a
// test; each connection has a thread here.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "base/owned_fd.h"
#include "base/stoppable_thread.h"
#include "tests/fakes/test_certificates.h"

namespace downwardfs {

/// See the head of this file.
class Http2Server {
 public:
  /// How answers go. With another than kPlain there is no watch.
  enum class Manner {
    kPlain,
    kEarlyHints,    ///< 103 before it
    kTrailers,      ///< headers end it
    kResetAfter,    ///< RST_STREAM with NO_ERROR after its end, as servers that read no more do
    kResetInstead,  ///< RST_STREAM with NO_ERROR in the place of its end
  };

  /// The first piece of the watch's body, what follows once the next request is answered, and the
  /// body of that answer.
  struct Bodies {
    std::string watch_begin, watch_end, answer;
    std::string encoding = {};  ///< their Content-Encoding, if any
    Manner manner = Manner::kPlain;
  };

  /// Faults of the server; any of them together.
  struct Faults {
    /// The first connection is accepted and never read, while it stays open. No request is a watch.
    bool first_is_dead = false;
    bool endless_watch = false;  ///< the watch says nothing after its head, and does not end
    /// The first connection answers so many requests; then it takes bytes and says nothing.
    std::size_t first_answers = static_cast<std::size_t>(-1);
    /// Each answer but the watch is followed by GOAWAY: a server that sheds its clients.
    bool goaway = false;
    /// A connection takes one request at a time (SETTINGS_MAX_CONCURRENT_STREAMS 1).
    bool one_stream = false;
  };

  explicit Http2Server(Bodies bodies) : Http2Server(std::move(bodies), Faults()) {}
  Http2Server(Bodies bodies, Faults faults);
  ~Http2Server();
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  std::string ca_pem() const { return authority_.pem(); }
  std::size_t connections() const { return connections_; }
  std::size_t requests() const { return requests_; }
  /// Waits until so many requests came, answered or not.
  void WaitForRequests(std::size_t count) const;

 private:
  struct Connection;

  void Accept(int stop);
  void Serve(SSL* ssl, bool first);
  void WriteHead(SSL* ssl, std::uint32_t stream) const;
  void WriteAnswer(SSL* ssl, std::uint32_t stream) const;

  const Bodies bodies_;
  const Faults faults_;
  const TestAuthority authority_{"test CA"};
  std::shared_ptr<SSL_CTX> context_;
  OwnedFd listener_;
  int port_ = 0;
  std::atomic<std::size_t> connections_ = 0;
  std::atomic<std::size_t> requests_ = 0;
  std::list<std::unique_ptr<Connection>> open_;  // of the accepting thread
  StoppableThread thread_;
};

}  // namespace downwardfs
