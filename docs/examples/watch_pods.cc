// SPDX-License-Identifier: Apache-2.0
//
// Prints every change of the pods of a namespace, until COUNT changes have been seen: a store that
// follows the API server, as `downwardfs mount` has it, with a subscription.
//
//     watch_pods NAMESPACE COUNT [KUBECONFIG]
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include "client/config/resolve.h"
#include "client/http/curl_transport.h"
#include "client/watch/reflector.h"

using namespace downwardfs;
using namespace downwardfs::client;

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: watch_pods NAMESPACE COUNT [KUBECONFIG]\n");
    return 2;
  }
  ServerFlags flags;
  if (argc > 3) flags.kubeconfig = argv[3];
  auto config = ResolveClusterConfig(flags);
  if (!config) {
    std::fprintf(stderr, "watch_pods: %s\n", config.error().message.c_str());
    return 1;
  }
  ObjectStore store(config->server);

  std::mutex mutex;
  std::condition_variable changed;
  long left = std::atol(argv[2]);
  const auto subscription =
      store.SubscribeKind("Pod", [&](const ObjectPtr& before, const ObjectPtr& after) {
        const char* what = !before ? "added" : !after ? "deleted" : "changed";
        const ObjectMeta& meta = after ? after->meta() : before->meta();
        std::printf("%s %s/%s\n", what, meta.ns.c_str(), meta.name.c_str());
        std::fflush(stdout);
        const std::lock_guard<std::mutex> lock(mutex);
        --left;
        changed.notify_all();
      });
  const Reflector reflector(std::make_shared<CurlTransport>(std::move(*config)), store,
                            PodReflectorOptions(argv[1]));
  std::unique_lock<std::mutex> lock(mutex);
  while (left > 0) {
    if (changed.wait_for(lock, std::chrono::seconds(30)) == std::cv_status::timeout) {
      const SourceState state = store.State();
      if (!state.connected) std::fprintf(stderr, "watch_pods: %s\n", state.last_error.c_str());
    }
  }
  return 0;
}
