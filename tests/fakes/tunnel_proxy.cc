// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/tunnel_proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>

#include "tests/fakes/loopback_listener.h"

namespace downwardfs {
namespace {

// The client's end: plain or TLS.
class Stream {
 public:
  Stream(int fd, SSL_CTX* tls) : fd_(fd), ssl_(tls != nullptr ? SSL_new(tls) : nullptr) {
    if (ssl_ != nullptr) SSL_set_fd(ssl_, fd_);
  }
  ~Stream() { SSL_free(ssl_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool Handshake() const { return ssl_ == nullptr || SSL_accept(ssl_) == 1; }
  int Read(char* to, int size) const {
    return ssl_ != nullptr ? SSL_read(ssl_, to, size)
                           : static_cast<int>(recv(fd_, to, static_cast<std::size_t>(size), 0));
  }
  bool Write(const char* from, int size) const {
    return ssl_ != nullptr ? SSL_write(ssl_, from, size) == size
                           : send(fd_, from, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
  }
  bool Pending() const { return ssl_ != nullptr && SSL_pending(ssl_) > 0; }

 private:
  const int fd_;
  SSL* const ssl_;
};

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The port of "CONNECT host:port HTTP/1.1"; 0 if it is another request.
int ConnectPort(const std::string& head) {
  if (head.rfind("CONNECT ", 0) != 0) return 0;
  const std::size_t end = head.find(' ', 8);
  const std::size_t colon = head.rfind(':', end);
  return std::atoi(head.c_str() + colon + 1);
}

void Relay(const Stream& client, int client_fd, int server, int stop) {
  char bytes[16384];
  for (;;) {
    pollfd fds[3] = {{client_fd, POLLIN, 0}, {server, POLLIN, 0}, {stop, POLLIN, 0}};
    if (!client.Pending() && poll(fds, 3, -1) < 0) return;
    if (fds[2].revents != 0) return;
    if (client.Pending() || fds[0].revents != 0) {
      const int n = client.Read(bytes, sizeof bytes);
      if (n <= 0 || send(server, bytes, static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) return;
    }
    if (fds[1].revents != 0) {
      const auto n = recv(server, bytes, sizeof bytes, 0);
      if (n <= 0 || !client.Write(bytes, static_cast<int>(n))) return;
    }
  }
}

}  // namespace

TunnelProxy::TunnelProxy(Options options) : options_(std::move(options)) {
  listener_ = testing::ListenOnLoopback(&port_);
  acceptor_ = *StoppableThread::Start("fake-proxy", [this](int stop) { Accept(stop); });
}

TunnelProxy::~TunnelProxy() {
  acceptor_.Stop();
}

void TunnelProxy::Accept(int stop) {
  while (OwnedFd client = testing::NextConnection(listener_, stop)) {
    threads_.emplace_back("fake-tunnel",
                          [this, fd = client.Release(), stop] { Serve(OwnedFd(fd), stop); });
  }
  threads_.clear();
}

void TunnelProxy::Serve(OwnedFd fd, int stop) {
  // A client that says nothing must not hold up the end.
  const timeval patience{5, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const Stream client(fd.get(), options_.tls.get());
  if (!client.Handshake()) return;
  std::string head;
  char byte = 0;
  while (head.find("\r\n\r\n") == std::string::npos) {
    if (client.Read(&byte, 1) != 1) return;
    head += byte;
  }
  if (IsToStop(stop, static_cast<int>(options_.hold.count()))) return;
  const int port = ConnectPort(head);
  if (port == 0 || options_.answer != 200) {
    const std::string refusal = "HTTP/1.1 " + std::to_string(port == 0 ? 400 : options_.answer) +
                                " No\r\nContent-Length: 0\r\n\r\n";
    client.Write(refusal.data(), static_cast<int>(refusal.size()));
    return;
  }
  const OwnedFd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  if (connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return;
  constexpr char kOpen[] = "HTTP/1.1 200 Connection established\r\n\r\n";
  if (!client.Write(kOpen, sizeof kOpen - 1)) return;
  ++tunnels_;
  Relay(client, fd.get(), server.get(), stop);
}

}  // namespace downwardfs
