// SPDX-License-Identifier: Apache-2.0
// An HTTP proxy that opens tunnels (CONNECT) to 127.0.0.1, over plain sockets or TLS, as late as it
// is told. A test owns it; each connection has a thread here.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "base/owned_fd.h"
#include "base/stoppable_thread.h"
#include "base/worker_thread.h"

namespace downwardfs {

class TunnelProxy {
 public:
  struct Options {
    std::shared_ptr<SSL_CTX> tls = nullptr;  ///< null: plain HTTP
    std::chrono::milliseconds hold{0};       ///< before CONNECT is answered
    int answer = 200;                        ///< to CONNECT
  };
  explicit TunnelProxy(Options options);
  ~TunnelProxy();
  TunnelProxy(const TunnelProxy&) = delete;
  TunnelProxy& operator=(const TunnelProxy&) = delete;

  int port() const { return port_; }
  /// How many tunnels were opened.
  int Tunnels() const { return tunnels_; }

 private:
  void Accept(int stop);
  void Serve(OwnedFd fd, int stop);

  const Options options_;
  int port_ = 0;
  OwnedFd listener_;
  std::atomic<int> tunnels_{0};
  std::list<WorkerThread> threads_;  // of the acceptor
  StoppableThread acceptor_;
};

}  // namespace downwardfs
