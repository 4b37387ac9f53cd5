// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node_feed.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <thread>

#include "base/owned_fd.h"
#include "tests/fakes/http_connection.h"

namespace downwardfs::bench {

struct NodeFeed::Shared {
  std::atomic<bool> loud{false};
  std::atomic<std::uint64_t> quiet{0};
  std::atomic<std::size_t> events{0};
};

namespace {

using std::chrono::steady_clock;

std::string Pod(const std::string& name, std::uint64_t tick, std::uint64_t version,
                std::size_t blob) {
  std::string pod = R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
                    R"(","namespace":"default","uid":"uid-)" + name + R"(","resourceVersion":")" +
                    std::to_string(version) + R"(","labels":{"tick":")" + std::to_string(tick) +
                    R"("},"annotations":{"blob":")";
  pod.append(blob, 'x');
  return pod + R"("}},"spec":{"nodeName":"node1","serviceAccountName":"default",)"
               R"("containers":[{"name":"main"}],"volumes":[{"name":"info","csi":)"
               R"({"driver":"csi.downwardfs.dev"}}]},"status":{"phase":"Running"}})";
}

std::string Line(const char* type, const std::string& object) {
  return std::string(R"({"type":")") + type + R"(","object":)" + object + "}\n";
}

// Everything of the process; one watch at a time has the changes.
template <class Shared>
class Server {
 public:
  Server(const NodeFeed::Options& options, Shared& shared, int wake)
      : options_(options), shared_(shared), wake_(wake) {}

  void Answer(HttpConnection& http) {
    while (auto request = http.Read()) {
      if (request->path != "/api/v1/pods") {
        http.Respond(404, "application/json", R"({"kind":"Status","code":404})");
      } else if (request->query.count("watch") == 0) {
        std::string list =
            R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"})";
        list += R"(,"items":[)" + First(",", [](const std::string& pod) { return pod; }) + "]}";
        if (!http.Respond(200, "application/json", list)) return;
      } else {
        Watch(http, request->query.count("sendInitialEvents") > 0);
        return;
      }
    }
  }

 private:
  std::size_t Blob(std::size_t pod) const {
    return pod < options_.noisy ? options_.bytes - std::min<std::size_t>(options_.bytes, 400) : 100;
  }
  std::string NameOf(std::size_t pod) const {
    return pod < options_.noisy ? NodeFeed::NoisyName(pod) : NodeFeed::kQuiet;
  }

  template <class Wrap>
  std::string First(const std::string& between, const Wrap& wrap) const {
    std::string all;
    for (std::size_t i = 0; i <= options_.noisy; ++i) {
      all += (i == 0 ? "" : between) + wrap(Pod(NameOf(i), 0, 9, Blob(i)));
    }
    return all;
  }

  void Watch(HttpConnection& http, bool streaming) {
    if (!http.BeginChunks({})) return;
    if (streaming) {
      const std::string end = Line("BOOKMARK", R"({"kind":"Pod","apiVersion":"v1","metadata":{)"
                                               R"("resourceVersion":"9","annotations":)"
                                               R"({"k8s.io/initial-events-end":"true"}}})");
      const auto added = [](const std::string& pod) { return Line("ADDED", pod); };
      if (!http.Chunk(First("", added) + end)) return;
    }
    const std::chrono::duration<double> pause(1.0 / options_.rate /
                                              static_cast<double>(options_.noisy));
    std::uint64_t version = 1000;
    std::uint64_t quiet = 0;
    std::size_t next = 0;
    auto due = steady_clock::now();
    for (bool was_loud = false;;) {
      std::string lines;
      if (const std::uint64_t now = shared_.quiet; now != quiet) {
        quiet = now;
        lines += Line("MODIFIED", Pod(NodeFeed::kQuiet, quiet, ++version, Blob(options_.noisy)));
      }
      const bool loud = shared_.loud;
      if (loud && !was_loud) due = steady_clock::now();
      was_loud = loud;
      while (loud && due <= steady_clock::now() && lines.size() < (std::size_t{1} << 18)) {
        const std::size_t pod = next++ % options_.noisy;
        lines += Line("MODIFIED", Pod(NameOf(pod), next, ++version, Blob(pod)));
        due += std::chrono::duration_cast<steady_clock::duration>(pause);
        ++shared_.events;
      }
      if (!lines.empty() && !http.Chunk(lines)) return;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - steady_clock::now());
      pollfd fd = {wake_, POLLIN, 0};
      poll(&fd, 1, loud ? static_cast<int>(std::max<std::int64_t>(left.count(), 0)) : 1000);
      eventfd_t drained = 0;
      if (fd.revents != 0) eventfd_read(wake_, &drained);
    }
  }

  const NodeFeed::Options options_;
  Shared& shared_;
  const int wake_;
};

}  // namespace

NodeFeed::NodeFeed(Options options) : wake_(eventfd(0, EFD_NONBLOCK)) {
  void* const memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (memory == MAP_FAILED || wake_ < 0 ||
      bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 16) != 0) {
    std::abort();
  }
  shared_ = new (memory) Shared;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  process_ = fork();
  if (process_ != 0) {
    close(listener);
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGPIPE, SIG_IGN);
  Server<Shared> server(options, *shared_, wake_);
  for (;;) {
    const int fd = accept(listener, nullptr, nullptr);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([&server, fd] {
      HttpConnection http(OwnedFd(fd), nullptr);
      server.Answer(http);
    }).detach();
  }
}

NodeFeed::~NodeFeed() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  close(wake_);
}

void NodeFeed::MakeNoise(bool loud) const {
  shared_->loud = loud;
  eventfd_write(wake_, 1);
}

void NodeFeed::SetQuiet(std::uint64_t tick) const {
  shared_->quiet = tick;
  eventfd_write(wake_, 1);
}

std::size_t NodeFeed::events() const {
  return shared_->events;
}

}  // namespace downwardfs::bench
