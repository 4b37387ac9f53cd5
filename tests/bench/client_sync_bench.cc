// SPDX-License-Identifier: Apache-2.0
//
// First sync of many pods from a loopback server, as a new client does it: time from the
// reflector's start to the complete list, and resident memory (peak, and after). The server is
// another process, so that its memory is not counted; it sends prepared pages of 500 pods of
// about 4 KB that differ as real ones do (pod_writer.h).
//
//     client_sync_bench [PODS [http|https]]
//     client_sync_bench PODS http serve     prints the server's URL and serves, for other clients
//
// For comparison, client-go's informer on the same kind of list: 10,000 pods
// 2.05 s, 129 MB peak, 95 MB after GC; 100,000 pods 38 s, 1,086 MB peak, 742 MB after GC.
#include <arpa/inet.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "client/http/curl_transport.h"
#include "client/watch/reflector.h"
#include "tests/bench/pod_writer.h"
#include "tests/fakes/fake_api_parts.h"
#include "tests/fakes/http_connection.h"
#include "tests/fakes/test_certificates.h"
#include "tests/support/gzip.h"

namespace downwardfs::client {
namespace {

constexpr std::size_t kPage = 500;

// One field of /proc/self/status, in KB.
long StatusKb(const std::string& field) {
  std::ifstream in("/proc/self/status");
  std::string word;
  while (in >> word) {
    if (word != field + ":") continue;
    long kb = 0;
    in >> kb;
    return kb;
  }
  return 0;
}

// Serves the pages to whoever connects; a watch gets nothing. Does not return.
[[noreturn]] void Serve(std::size_t pods, int listener, SSL_CTX* tls, int ready) {
  const PodWriter writer;
  std::vector<std::string> pages, packed;
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < pods;) {
    const std::size_t end = std::min(at + kPage, pods);
    std::string page =
        R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"999999")";
    if (end < pods) page += R"(,"continue":")" + std::to_string(pages.size() + 1) + '"';
    page += R"(},"items":[)";
    for (; at < end; ++at) {
      const std::string pod = writer.Write(at);
      bytes += pod.size();
      if (page.back() != '[') page += ',';
      page += pod;
    }
    pages.push_back(page + "]}");
    packed.push_back(Gzip(pages.back()));  // as API servers do from 128 KiB on
  }
  std::printf("server: %zu pods of %zu bytes on the wire\n", pods, bytes / pods);
  std::fflush(stdout);
  listen(listener, 16);
  (void)!write(ready, "", 1);
  for (;;) {
    HttpConnection http(OwnedFd(accept(listener, nullptr, nullptr)), tls);
    if (!http.Handshake()) continue;
    while (auto request = http.Read()) {
      if (request->query.count("watch") > 0) {
        if (request->query.count("sendInitialEvents") > 0) {
          http.Respond(422, "application/json", R"({"kind":"Status","code":422})");
          continue;
        }
        http.BeginChunks({});
        http.WaitFor(-1);
        break;
      }
      const auto token = request->query.find("continue");
      const std::size_t page = token == request->query.end() ? 0 : std::stoul(token->second);
      const bool gzip = fake_api::AcceptsGzip(*request);
      if (!http.Respond(200, "application/json", (gzip ? packed : pages).at(page),
                        gzip ? fake_api::kGzipHeader : "")) {
        break;
      }
    }
  }
}

int Run(std::size_t pods, bool https, bool serve_only) {
  const TestAuthority authority("bench CA");
  int ready[2];
  if (pipe(ready) != 0) return 1;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return 1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const pid_t server = fork();
  if (server == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::signal(SIGPIPE, SIG_IGN);
    const auto tls = MakeServerContext(authority.Issue("api", "IP:127.0.0.1"), authority.pem());
    Serve(pods, listener, https ? tls.get() : nullptr, ready[1]);
  }
  char byte = 0;
  if (read(ready[0], &byte, 1) != 1) return 1;
  if (serve_only) {
    std::printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    waitpid(server, nullptr, 0);
    return 0;
  }

  const long before = StatusKb("VmRSS");
  const auto start = std::chrono::steady_clock::now();
  ClusterConfig config;
  config.server = (https ? "https://127.0.0.1:" : "http://127.0.0.1:") +
                  std::to_string(ntohs(address.sin_port));
  config.ca_pem = https ? authority.pem() : "";
  double seconds = 0;
  bool synced = false;
  {
    auto transport = std::make_shared<CurlTransport>(config);
    ObjectStore store(config.server);
    const Reflector reflector(transport, store, PodReflectorOptions(""));
    synced = store.WaitUntilSynced(start + std::chrono::minutes(5));
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const long after = StatusKb("VmRSS");
    malloc_trim(0);
    const long trimmed = StatusKb("VmRSS");
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "%zu pods over %s%s: sync %.3f s, own CPU %.3f s\n"
        "resident: before %.1f MB, peak %.1f MB, after %.1f MB (trimmed %.1f MB), per pod %.0f "
        "bytes\n",
        store.size(), https ? "https" : "http", synced ? "" : " (NOT SYNCED)", seconds,
        static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
        static_cast<double>(before) / 1024, static_cast<double>(StatusKb("VmHWM")) / 1024,
        static_cast<double>(after) / 1024, static_cast<double>(trimmed) / 1024,
        static_cast<double>(after - before) * 1024 / static_cast<double>(pods));
  }
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return synced ? 0 : 1;
}

}  // namespace
}  // namespace downwardfs::client

int main(int argc, char** argv) {
  const std::size_t pods = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000;
  return downwardfs::client::Run(pods, argc > 2 && std::string(argv[2]) == "https",
                                 argc > 3 && std::string(argv[3]) == "serve");
}
