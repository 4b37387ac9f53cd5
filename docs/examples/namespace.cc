// SPDX-License-Identifier: Apache-2.0
//
// Creates a namespace, reads it and deletes it again, with the client library of downwardfs.
//
//     namespace NAME [KUBECONFIG]
//
// Without KUBECONFIG it looks where kubectl does, then for the pod that it runs in.
#include <cstdio>
#include <memory>
#include <string>

#include "client/api/api_client.h"
#include "client/config/resolve.h"
#include "client/http/curl_transport.h"

using namespace downwardfs::client;

namespace {

int Fail(const std::string& message) {
  std::fprintf(stderr, "namespace: %s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: namespace NAME [KUBECONFIG]\n");
    return 2;
  }
  const std::string name = argv[1];
  ServerFlags flags;
  if (argc > 2) flags.kubeconfig = argv[2];
  auto config = ResolveClusterConfig(flags);
  if (!config) return Fail(config.error().message);
  const ApiClient client(std::make_shared<CurlTransport>(std::move(*config)));

  ResourcePath namespaces;
  namespaces.resource = "namespaces";
  const auto created = client.Create(
      namespaces, R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")" + name + "\"}}");
  if (!created) return Fail(created.error().error.message);
  std::printf("created %s\n", name.c_str());

  ResourcePath one = namespaces;
  one.name = name;
  const auto read = client.Get(one);
  if (!read) return Fail(read.error().error.message);
  std::printf("%s\n", read->c_str());

  const auto deleted = client.Delete(one);
  if (!deleted) return Fail(deleted.error().error.message);
  std::printf("deleted %s\n", name.c_str());
  return 0;
}
