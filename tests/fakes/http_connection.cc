// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/http_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace downwardfs {
namespace {

std::string Decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

void SplitTarget(std::string_view target, ServedRequest* request) {
  const std::size_t mark = target.find('?');
  request->path = Decode(target.substr(0, mark));
  if (mark == std::string_view::npos) return;
  target.remove_prefix(mark + 1);
  while (!target.empty()) {
    const std::string_view pair = target.substr(0, target.find('&'));
    target.remove_prefix(std::min(pair.size() + 1, target.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    request->query[Decode(pair.substr(0, equals))] = Decode(pair.substr(equals + 1));
  }
}

std::string Hex(std::size_t n) {
  char text[20];
  snprintf(text, sizeof text, "%zx", n);
  return text;
}

}  // namespace

HttpConnection::HttpConnection(OwnedFd fd, SSL_CTX* tls) : fd_(std::move(fd)) {
  if (tls == nullptr) return;
  ssl_.reset(SSL_new(tls));
  SSL_set_fd(ssl_.get(), fd_.get());
}

bool HttpConnection::Handshake() {
  return ssl_ == nullptr || SSL_accept(ssl_.get()) == 1;
}

std::string HttpConnection::ClientName() const {
  X509* certificate = ssl_ != nullptr ? SSL_get1_peer_certificate(ssl_.get()) : nullptr;
  if (certificate == nullptr) return {};
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  X509_free(certificate);
  return name;
}

void HttpConnection::Shut() {
  shutdown(fd_.get(), SHUT_RDWR);
}

void HttpConnection::Reset() {
  const linger now{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  // The socket closes with this object; its RST goes out then.
}

bool HttpConnection::Write(std::string_view bytes) {
  if (holding_) {
    held_ += bytes;
    return true;
  }
  while (!bytes.empty()) {
    const auto n =
        ssl_ != nullptr
            ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
            : static_cast<int>(send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool HttpConnection::ReadMore() {
  char buffer[16384];
  const auto n = ssl_ != nullptr ? SSL_read(ssl_.get(), buffer, sizeof buffer)
                                 : static_cast<int>(recv(fd_.get(), buffer, sizeof buffer, 0));
  if (n <= 0) return false;
  input_.append(buffer, static_cast<std::size_t>(n));
  return true;
}

std::optional<ServedRequest> HttpConnection::Read() {
  std::size_t head_end = 0;
  while ((head_end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore()) return std::nullopt;
    if (input_[0] == '\x16') return std::nullopt;  // TLS where none is spoken
  }
  ServedRequest request;
  const std::string head = input_.substr(0, head_end + 2);
  input_.erase(0, head_end + 4);
  const std::size_t line_end = head.find("\r\n");
  const std::string line = head.substr(0, line_end);
  request.method = line.substr(0, line.find(' '));
  const std::size_t target = line.find(' ') + 1;
  SplitTarget(std::string_view(line).substr(target, line.rfind(' ') - target), &request);
  for (std::size_t at = line_end + 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t value = std::min(head.find_first_not_of(' ', colon + 1), end);
    std::string& kept = request.headers[name];
    kept += (kept.empty() ? "" : ",") + head.substr(value, end - value);
    at = end + 2;
  }
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (input_.size() < size) {
    if (!ReadMore()) return std::nullopt;
  }
  request.body = input_.substr(0, size);
  input_.erase(0, size);
  return request;
}

bool HttpConnection::Respond(int status, const std::string& content_type, const std::string& body,
                             const std::string& extra_headers) {
  return Write("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + content_type +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + extra_headers +
               "\r\n" + body);
}

bool HttpConnection::BeginChunks(const BodyFault& fault, const std::string& extra_headers) {
  fault_ = fault;
  body_sent_ = 0;
  return Write(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n" +
      extra_headers + "\r\n");
}

bool HttpConnection::Chunk(std::string_view bytes) {
  if (fault_.kind == BodyFault::Kind::kSlow) {
    for (const char c : bytes) {
      if (!Write("1\r\n" + std::string(1, c) + "\r\n")) return false;
    }
    return true;
  }
  const std::size_t room = fault_.at > body_sent_ ? fault_.at - body_sent_ : 0;
  if (fault_.kind == BodyFault::Kind::kNone || bytes.size() <= room) {
    body_sent_ += bytes.size();
    return bytes.empty() || Write(Hex(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n");
  }
  const std::string part(bytes.substr(0, room));
  switch (fault_.kind) {
    case BodyFault::Kind::kReset:
      Write(Hex(bytes.size()) + "\r\n" + part);
      Reset();
      return false;
    case BodyFault::Kind::kTruncate:
      Write(Hex(bytes.size()) + "\r\n" + part);
      return false;
    case BodyFault::Kind::kStall:
      Write(Hex(bytes.size()) + "\r\n" + part);
      WaitFor(-1);
      return false;
    case BodyFault::Kind::kGarbage:
      Write(Hex(part.size() + 8) + "\r\n" + part + "}]\xff garb\r\n0\r\n\r\n");
      return false;
    case BodyFault::Kind::kEnd:
      if (!part.empty()) Write(Hex(part.size()) + "\r\n" + part + "\r\n");
      Write("0\r\n\r\n");
      return false;
    case BodyFault::Kind::kNone:
    case BodyFault::Kind::kSlow:
      break;
  }
  return false;
}

bool HttpConnection::EndChunks() {
  if (std::exchange(holding_, false) && !Write(std::exchange(held_, {}))) return false;
  // A fault at a byte that never came happens at the end.
  if (fault_.kind != BodyFault::Kind::kNone && fault_.kind != BodyFault::Kind::kSlow) {
    fault_.at = 0;
    return Chunk(" ");
  }
  return Write("0\r\n\r\n");
}

bool HttpConnection::WaitFor(int fd, std::chrono::milliseconds limit) {
  if (ssl_ != nullptr && SSL_pending(ssl_.get()) > 0) return false;
  pollfd fds[2] = {{fd_.get(), POLLIN | POLLRDHUP, 0}, {fd, POLLIN, 0}};
  while (poll(fds, fd >= 0 ? 2 : 1, static_cast<int>(limit.count())) < 0) {
  }
  return fds[0].revents == 0;
}

}  // namespace downwardfs
