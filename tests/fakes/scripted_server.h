// SPDX-License-Identifier: Apache-2.0
//
// A plain HTTP server that answers each request with the bytes that a test wrote: for the shapes of
// answers that a well-behaved server would not give. Owned by a test; a thread for each connection.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/owned_fd.h"
#include "base/stoppable_thread.h"
#include "base/worker_thread.h"
#include "tests/fakes/http_connection.h"

namespace downwardfs {

/// See the head of this file.
class ScriptedServer {
 public:
  struct Answer {
    std::string bytes;   ///< status line, headers and body
    bool close = false;  ///< the connection, after it
  };
  /// Gets the request and how many came before. Called on a connection's thread.
  using Script = std::function<Answer(const ServedRequest&, std::size_t)>;

  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::size_t requests() const;

 private:
  struct Connection {
    std::unique_ptr<HttpConnection> http;
    std::unique_ptr<WorkerThread> thread;  ///< last: joined before the rest goes
  };
  void Accept(int stop);
  void Serve(HttpConnection& http);

  const Script script_;
  int port_ = 0;
  OwnedFd listener_;
  mutable Mutex mutex_;
  std::size_t requests_ GUARDED_BY(mutex_) = 0;
  std::list<Connection> connections_;  // the acceptor's, until it has ended
  StoppableThread acceptor_;
};

}  // namespace downwardfs
