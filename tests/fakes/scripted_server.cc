// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/scripted_server.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "tests/fakes/loopback_listener.h"

namespace downwardfs {

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), stop_(eventfd(0, EFD_CLOEXEC)) {
  listener_ = testing::ListenOnLoopback(&port_);
  acceptor_ = std::make_unique<WorkerThread>("scripted", [this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  const std::uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof one);
  acceptor_.reset();
  for (Connection& connection : connections_) connection.http->Shut();
  connections_.clear();
}

std::size_t ScriptedServer::requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

void ScriptedServer::Accept() {
  while (OwnedFd fd = testing::NextConnection(listener_, stop_)) {
    Connection& connection = connections_.emplace_back();
    connection.http = std::make_unique<HttpConnection>(std::move(fd), nullptr);
    connection.thread = std::make_unique<WorkerThread>(
        "scripted-serve", [this, http = connection.http.get()] { Serve(*http); });
  }
}

void ScriptedServer::Serve(HttpConnection& http) {
  while (auto request = http.Read()) {
    std::size_t number = 0;
    {
      const MutexLock lock(mutex_);
      number = requests_++;
    }
    const Answer answer = script_(*request, number);
    if (!http.Write(answer.bytes) || answer.close) break;
  }
  http.Shut();
}

}  // namespace downwardfs
