// SPDX-License-Identifier: Apache-2.0
//
// The server's side of one HTTP/1.1 connection, over plain sockets or OpenSSL, that can do on
// purpose what a library would never do: cut a body at a byte, reset, stall, trickle. For tests.
// Owned by the thread that serves it; Shut() may be called by any thread.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/owned_fd.h"

namespace downwardfs {

/// A request as it came in. Header names are in lower case.
struct ServedRequest {
  std::string method;
  std::string path;  ///< without the query
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;
  std::string body;
};

/// The damage to the bytes of one response's body.
struct BodyFault {
  enum class Kind {
    kNone,
    kReset,     ///< RST after `at` bytes
    kTruncate,  ///< end of file after `at` bytes, within a chunk
    kStall,     ///< nothing more after `at` bytes, until the client goes
    kSlow,      ///< byte by byte
    kGarbage,   ///< after `at` bytes some that are no JSON; then the end
    kEnd,       ///< a proper end of the body after `at` bytes
  };
  Kind kind = Kind::kNone;
  std::size_t at = 0;
};

/// See the head of this file.
class HttpConnection {
 public:
  /// `tls` may be null: plain HTTP. `stop_fd` is readable when the server stops.
  HttpConnection(OwnedFd fd, SSL_CTX* tls);

  /// False if the TLS handshake fails.
  bool Handshake();

  /// The next request; nothing when the client is gone.
  std::optional<ServedRequest> Read();

  /// Bytes as they are; false once the connection is of no more use.
  bool Write(std::string_view bytes);

  bool Respond(int status, const std::string& content_type, const std::string& body,
               const std::string& extra_headers = {});

  /// A chunked response. Each returns false once the connection is of no more use.
  bool BeginChunks(const BodyFault& fault, const std::string& extra_headers = {});
  bool Chunk(std::string_view bytes);
  bool EndChunks();
  /// From here on what is written goes out when a chunked response ends.
  void HoldBack() { holding_ = true; }

  /// Waits until `fd` is readable or the time is over (true) or the client goes (false).
  bool WaitFor(int fd, std::chrono::milliseconds limit = std::chrono::milliseconds(-1));

  /// The common name of the client's certificate; empty without one.
  std::string ClientName() const;

  /// Ends everything that is under way: the socket is shut down.
  void Shut();

 private:
  struct FreeSsl {
    void operator()(SSL* p) const { SSL_free(p); }
  };
  bool ReadMore();
  void Reset();

  OwnedFd fd_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string input_;
  bool holding_ = false;
  std::string held_;
  BodyFault fault_;
  std::size_t body_sent_ = 0;
};

}  // namespace downwardfs
