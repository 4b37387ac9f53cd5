// SPDX-License-Identifier: Apache-2.0
#include "csi/csi_server.h"

#include <fcntl.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

namespace downwardfs {
namespace {

constexpr std::chrono::seconds kEndGrace{1};
constexpr int kLongestMessage = 4 << 20;
constexpr int kFreeDescriptorPause = 100;  // ms

}  // namespace

Result<std::unique_ptr<CsiServer>> CsiServer::Start(OwnedFd listener,
                                                    const std::vector<grpc::Service*>& services) {
  std::unique_ptr<CsiServer> server(new CsiServer(std::move(listener)));
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kLongestMessage);
  for (grpc::Service* const service : services) builder.RegisterService(service);
  server->server_ = builder.BuildAndStart();
  if (!server->server_) return Fail(ErrorCode::kInternal, "gRPC does not start");
  auto thread =
      StoppableThread::Start("csi-accept", [self = server.get()](int stop) { self->Accept(stop); });
  if (!thread) return Fail(std::move(thread.error()));
  server->thread_ = std::move(*thread);
  return server;
}

CsiServer::~CsiServer() {
  thread_.Stop();
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + kEndGrace);
}

void CsiServer::Accept(int stop) {
  while (AwaitInput(listener_.get(), stop)) {
    // The listener is shared with the holder, so its flags are not ours to change: MSG_DONTWAIT has
    // no accept(2), and another daemon that took the connection first would leave us waiting. There
    // is one daemon at a time.
    const int connection = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) {
      grpc::AddInsecureChannelFromFd(server_.get(), connection);
    } else if (errno == EMFILE || errno == ENFILE) {
      // It stays readable until a descriptor is free.
      static_cast<void>(IsToStop(stop, kFreeDescriptorPause));
    }
  }
}

}  // namespace downwardfs
