// SPDX-License-Identifier: Apache-2.0
//
// Answers GET for a few paths on a TCP socket: what Prometheus and a probe ask. Anybody who reaches
// the port may ask, so the cost is bounded whatever they do: a few connections at a time, a few
// seconds for each, a request's head of a few kilobytes, one request for each connection.
// (HTTP/1.1, RFC 9112; every answer says `Connection: close`.)
//
// One owner makes it and destroys it. The pages are made on its thread, `metrics`, one at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/owned_fd.h"
#include "base/result.h"
#include "base/stoppable_thread.h"

namespace downwardfs {

struct HttpPage {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpEndpoint {
 public:
  /// By path, such as "/metrics".
  using Pages = std::map<std::string, std::function<HttpPage()>>;

  static Result<std::unique_ptr<HttpEndpoint>> Start(OwnedFd listener, Pages pages);
  /// Drops the connections that there are.
  ~HttpEndpoint();

 private:
  struct Connection;
  HttpEndpoint(OwnedFd listener, Pages pages)
      : listener_(std::move(listener)), pages_(std::move(pages)) {}
  void Serve(int stop);
  std::string AnswerTo(const std::string& head) const;

  const OwnedFd listener_;
  const Pages pages_;
  StoppableThread thread_;
};

}  // namespace downwardfs
