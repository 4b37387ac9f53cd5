// SPDX-License-Identifier: Apache-2.0
#include "csi/http_endpoint.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace downwardfs {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMostConnections = 8;
constexpr std::size_t kLongestHead = 8 << 10;
constexpr std::chrono::seconds kLongest{5};  // from a connection's first byte to its last

const char* Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

std::string Bytes(const HttpPage& page, bool with_body) {
  std::string out = Concat({"HTTP/1.1 ", std::to_string(page.status), " ", Reason(page.status),
                            "\r\nContent-Type: ", page.type, "\r\nContent-Length: ",
                            std::to_string(page.body.size()), "\r\nConnection: close\r\n"});
  if (page.status == 405) out += "Allow: GET, HEAD\r\n";
  out += "\r\n";
  if (with_body) out += page.body;
  return out;
}

HttpPage Refusal(int status) {
  return {status, HttpPage().type, std::string(Reason(status)) + "\n"};
}

}  // namespace

// One request, then one answer.
struct HttpEndpoint::Connection {
  OwnedFd fd;
  steady_clock::time_point until;
  std::string head;
  std::string answer;  // empty until the head is whole
  std::size_t sent = 0;

  short Events() const { return answer.empty() ? POLLIN : POLLOUT; }

  /// True once the head is there, or longer than it may be.
  bool Read() {
    char bytes[2048];
    const ssize_t got = recv(fd.get(), bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) fd.Reset();
    if (got > 0) head.append(bytes, static_cast<std::size_t>(got));
    return fd && (head.find("\r\n\r\n") != std::string::npos || head.size() > kLongestHead);
  }

  /// Also what is on its way goes, of which a peer that does not read would keep megabytes.
  void Drop() {
    const linger now = {1, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd.Reset();
  }

  void Write() {
    const ssize_t wrote =
        send(fd.get(), answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote < 0 && errno != EAGAIN && errno != EINTR) fd.Reset();
    if (wrote > 0) sent += static_cast<std::size_t>(wrote);
    if (sent == answer.size()) fd.Reset();
  }
};

Result<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(OwnedFd listener, Pages pages) {
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(std::move(listener), std::move(pages)));
  auto thread =
      StoppableThread::Start("metrics", [self = endpoint.get()](int stop) { self->Serve(stop); });
  if (!thread) return Fail(std::move(thread.error()));
  endpoint->thread_ = std::move(*thread);
  return endpoint;
}

HttpEndpoint::~HttpEndpoint() = default;

std::string HttpEndpoint::AnswerTo(const std::string& head) const {
  if (head.size() > kLongestHead) return Bytes(Refusal(431), true);
  const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
  const auto method_end = line.find(' ');
  const auto target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end <= method_end + 1 ||
      line.substr(target_end + 1).substr(0, 7) != "HTTP/1.") {
    return Bytes(Refusal(400), true);
  }
  const std::string_view method = line.substr(0, method_end);
  std::string_view path = line.substr(method_end + 1, target_end - method_end - 1);
  path = path.substr(0, path.find('?'));
  const bool with_body = method != "HEAD";
  if (with_body && method != "GET") return Bytes(Refusal(405), true);
  const auto page = pages_.find(std::string(path));
  return Bytes(page != pages_.end() ? page->second() : Refusal(404), with_body);
}

void HttpEndpoint::Serve(int stop) {
  std::vector<Connection> connections;
  for (;;) {
    std::vector<pollfd> fds = {{stop, POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    const auto now = steady_clock::now();
    auto wait = std::chrono::milliseconds(-1);
    for (const Connection& one : connections) {
      fds.push_back({one.fd.get(), one.Events(), 0});
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(one.until - now);
      wait = wait.count() < 0 ? left : std::min(wait, left);
      wait = std::max(wait, std::chrono::milliseconds(0));
    }
    if (poll(fds.data(), fds.size(), static_cast<int>(wait.count())) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      Connection& one = connections[i];
      if (steady_clock::now() >= one.until) one.Drop();
      if (!one.fd || fds[i + 2].revents == 0) continue;
      if (!one.answer.empty()) {
        one.Write();
      } else if (one.Read()) {
        one.answer = AnswerTo(one.head);
      }
    }
    connections.erase(std::remove_if(connections.begin(), connections.end(),
                                     [](const Connection& one) { return !one.fd; }),
                      connections.end());
    if (fds[1].revents == 0) continue;
    OwnedFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      // It stays readable until a descriptor is free.
      if (errno == EMFILE || errno == ENFILE) static_cast<void>(IsToStop(stop, 100));
      continue;
    }
    // The oldest, since those that ask are soon done.
    if (connections.size() == kMostConnections) {
      connections.front().Drop();
      connections.erase(connections.begin());
    }
    connections.push_back({std::move(fd), steady_clock::now() + kLongest, {}, {}, 0});
  }
}

}  // namespace downwardfs
