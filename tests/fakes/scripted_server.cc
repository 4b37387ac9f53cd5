// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/scripted_server.h"

#include "tests/fakes/loopback_listener.h"

namespace downwardfs {

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = testing::ListenOnLoopback(&port_);
  acceptor_ = *StoppableThread::Start("scripted", [this](int stop) { Accept(stop); });
}

ScriptedServer::~ScriptedServer() {
  acceptor_.Stop();
  for (Connection& connection : connections_) connection.http->Shut();
  connections_.clear();
}

std::size_t ScriptedServer::requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

void ScriptedServer::Accept(int stop) {
  while (OwnedFd fd = testing::NextConnection(listener_, stop)) {
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
