// SPDX-License-Identifier: Apache-2.0
#include "csi/csi_server.h"

#include <fcntl.h>
#include <grpcpp/server_posix.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

namespace downwardfs {
namespace {

constexpr std::chrono::seconds kEndGrace{1};
constexpr int kLongestMessage = 4 << 20;

}  // namespace

Result<std::unique_ptr<CsiServer>> CsiServer::Start(OwnedFd listener,
                                                    const std::vector<grpc::Service*>& services) {
  OwnedFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return Fail(ErrnoError(errno, "eventfd"));
  std::unique_ptr<CsiServer> server(new CsiServer(std::move(listener), std::move(stop)));
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kLongestMessage);
  for (grpc::Service* const service : services) builder.RegisterService(service);
  server->server_ = builder.BuildAndStart();
  if (!server->server_) return Fail(ErrorCode::kInternal, "gRPC does not start");
  server->thread_ = WorkerThread("csi-accept", [self = server.get()] { self->Accept(); });
  return server;
}

CsiServer::~CsiServer() {
  eventfd_write(stop_.get(), 1);
  thread_.Join();
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + kEndGrace);
}

void CsiServer::Accept() {
  for (;;) {
    pollfd fds[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    if (fds[0].revents == 0) continue;
    // The listener is shared with the holder, so its flags are not ours to change: MSG_DONTWAIT has
    // no accept(2), and another daemon that took the connection first would leave us waiting. There
    // is one daemon at a time.
    const int connection = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) grpc::AddInsecureChannelFromFd(server_.get(), connection);
  }
}

}  // namespace downwardfs
