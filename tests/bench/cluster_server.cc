// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cluster_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "tests/bench/pod_writer.h"
#include "tests/fakes/fake_api_parts.h"
#include "tests/fakes/http_connection.h"
#include "tests/support/gzip.h"

namespace downwardfs::client {
namespace {

constexpr std::size_t kPage = 500;
constexpr std::chrono::milliseconds kTick{10};

void Replace(std::string& text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), with);
}

// The pods of fifty teams as those of ten: directories of ten thousand.
std::string PodAt(const PodWriter& writer, std::size_t i, const std::string& version) {
  std::string pod = writer.Write(i);
  const std::string key = R"("namespace":"team-)";
  const std::size_t at = pod.find(key);
  const std::size_t end = pod.find('"', at + key.size());
  pod.replace(at + key.size(), end - at - key.size(), 1, pod[end - 1]);
  if (version.empty()) return pod;
  const std::string old = R"("resourceVersion":")";
  const std::size_t from = pod.find(old) + old.size();
  pod.replace(from, pod.find('"', from) - from, version);
  Replace(pod, R"("restartCount":)", R"("restartCount":1)");
  return pod;
}

std::string NodeAt(std::size_t i) {
  const std::string n = std::to_string(i);
  return R"({"metadata":{"name":"node-)" + n + R"(","uid":"node-uid-)" + n +
         R"(","resourceVersion":")" + std::to_string(1000 + i) +
         R"(","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"kubernetes.io/hostname":"node-)" +
         n + R"(","topology.kubernetes.io/zone":"zone-)" + std::to_string(i % 3) +
         R"("}},"status":{"allocatable":{"cpu":"64","memory":"256Gi","pods":"110"},"capacity":)"
         R"({"cpu":"64","memory":"257Gi","pods":"110"},"conditions":[{"type":"Ready","status":)"
         R"("True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}})";
}

using Pages = std::vector<std::string>;

template <class Make>
Pages MakePages(const std::string& kind, std::size_t count, const Make& make) {
  Pages pages;
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(at + kPage, count);
    std::string page =
        R"({"kind":")" + kind + R"(List","apiVersion":"v1","metadata":{"resourceVersion":"900000")";
    if (end < count) page += R"(,"continue":")" + std::to_string(pages.size() + 1) + '"';
    page += R"(},"items":[)";
    for (; at < end; ++at) {
      if (page.back() != '[') page += ',';
      page += make(at);
    }
    pages.push_back(page + "]}");
  } while (at < count);
  return pages;
}

// All objects of one path.
struct Collection {
  std::string kind;
  std::size_t count;
  std::function<std::string(std::size_t)> make;
  Pages pages = MakePages(kind, count, make);
};

// As an API server since 1.37: each flush of a streaming list is a gzip member, if the client wants
// it.
bool SendFlush(HttpConnection& http, const std::string& lines, bool compressed) {
  return lines.empty() || http.Chunk(compressed ? Gzip(lines) : lines);
}

std::string Line(const char* type, const std::string& kind, const std::string& object) {
  return std::string(R"({"type":")") + type + R"(","object":{"kind":")" + kind +
         R"(","apiVersion":"v1",)" + object.substr(1) + "}\n";
}

bool SendInitialEvents(HttpConnection& http, const Collection& all, bool compressed) {
  std::string lines;
  for (std::size_t i = 0; i < all.count; ++i) {
    lines += Line("ADDED", all.kind, all.make(i));
    if ((i + 1) % kPage > 0 && i + 1 < all.count) continue;
    if (!SendFlush(http, lines, compressed)) return false;
    lines.clear();
  }
  return SendFlush(http,
                   Line("BOOKMARK", all.kind,
                        R"({"metadata":{"resourceVersion":"900000","annotations":)"
                        R"({"k8s.io/initial-events-end":"true"}}})"),
                   compressed);
}

}  // namespace

struct ClusterServer::Shared {
  std::atomic<Churn> churn{Churn::kRest};
  std::atomic<std::size_t> events{0};
};

namespace {

// Sends what is due in each tick; returns when the client goes.
template <class Shared>
void WatchPods(HttpConnection& http, const PodWriter& writer, Shared& shared,
               const ClusterServer::Options& options, bool compressed) {
  using Churn = ClusterServer::Churn;
  std::size_t version = 1'000'000;
  std::size_t next = 0;
  const std::size_t per_tick = std::max<std::size_t>(options.events_per_second / 100, 1);
  const auto line = [&](const char* type, std::size_t pod) {
    return Line(type, "Pod", PodAt(writer, pod, std::to_string(++version)));
  };
  for (auto due = std::chrono::steady_clock::now();; due += kTick) {
    std::this_thread::sleep_until(due);
    const Churn churn = shared.churn;
    std::string lines;
    for (std::size_t i = 0; i < per_tick && churn != Churn::kRest; ++i) {
      if (churn == Churn::kModify) {
        lines += line("MODIFIED", next++ * 97 % options.pods);
      } else {
        // The newest hundred live.
        lines += line("ADDED", options.pods + next);
        if (next >= 100) lines += line("DELETED", options.pods + next - 100);
        ++next;
      }
      ++shared.events;
    }
    if (!SendFlush(http, lines, compressed)) return;
  }
}

template <class Shared>
[[noreturn]] void Serve(int listener, const ClusterServer::Options& options, Shared& shared,
                        int ready) {
  const PodWriter writer;
  const auto pod = [&](std::size_t i) { return PodAt(writer, i, ""); };
  const auto ns = [](std::size_t i) {
    const std::string n = std::to_string(i);
    return R"({"metadata":{"name":"team-)" + n + R"(","uid":"ns-)" + n +
           R"(","resourceVersion":"5","creationTimestamp":"2026-01-01T00:00:00Z"}})";
  };
  const std::map<std::string, Collection> lists = {
      {"/api/v1/pods", {"Pod", options.pods, pod}},
      {"/api/v1/nodes", {"Node", options.nodes, NodeAt}},
      {"/api/v1/namespaces", {"Namespace", 10, ns}},
  };
  listen(listener, 16);
  (void)!write(ready, "", 1);
  for (;;) {
    const int fd = accept(listener, nullptr, nullptr);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([&, fd] {
      HttpConnection http(OwnedFd(fd), nullptr);
      while (auto request = http.Read()) {
        const auto list = lists.find(request->path);
        if (list == lists.end()) {
          http.Respond(404, "application/json", R"({"kind":"Status","code":404})");
        } else if (request->query.count("watch") > 0) {
          const bool streaming = request->query.count("sendInitialEvents") > 0;
          const bool compressed = streaming && fake_api::AcceptsGzip(*request);
          http.BeginChunks({}, compressed ? fake_api::kGzipHeader : "");
          if (streaming && !SendInitialEvents(http, list->second, compressed)) break;
          if (request->path == "/api/v1/pods") {
            WatchPods(http, writer, shared, options, compressed);
          } else {
            http.WaitFor(-1);
          }
          break;
        } else {
          const auto token = request->query.find("continue");
          const std::size_t page = token == request->query.end() ? 0 : std::stoul(token->second);
          if (!http.Respond(200, "application/json", list->second.pages.at(page))) break;
        }
      }
    }).detach();
  }
}

}  // namespace

ClusterServer::ClusterServer(Options options) {
  void* const memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  shared_ = new (memory) Shared;
  int ready[2];
  if (pipe(ready) != 0) std::abort();
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  process_ = fork();
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGPIPE, SIG_IGN);
    Serve(listener, options, *shared_, ready[1]);
  }
  close(listener);
  char byte = 0;
  if (read(ready[0], &byte, 1) != 1) std::abort();
  close(ready[0]);
  close(ready[1]);
  url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

ClusterServer::~ClusterServer() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

void ClusterServer::SetChurn(Churn churn) const {
  shared_->churn = churn;
}

std::size_t ClusterServer::events() const {
  return shared_->events;
}

}  // namespace downwardfs::client
