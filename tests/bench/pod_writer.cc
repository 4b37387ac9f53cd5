// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/pod_writer.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>

namespace downwardfs::client {
namespace {

constexpr std::size_t kReplicas = 20;
constexpr std::size_t kPodsPerNode = 30;
constexpr char kHex[] = "0123456789abcdef";
constexpr char kLetters[] = "bcdfghjklmnpqrstvwxz2456789";  // what Kubernetes' own names use

using Random = std::mt19937_64;

template <std::size_t N>
std::string Word(Random* random, const char (&alphabet)[N], std::size_t size) {
  std::string word;
  for (std::size_t i = 0; i < size; ++i) word += alphabet[(*random)() % (N - 1)];
  return word;
}

std::string Uid(Random* random) {
  return Word(random, kHex, 8) + "-" + Word(random, kHex, 4) + "-4" + Word(random, kHex, 3) + "-" +
         "89ab"[(*random)() % 4] + Word(random, kHex, 3) + "-" + Word(random, kHex, 12);
}

std::string Time(Random* random) {
  char text[32];
  const auto at = (*random)();
  std::snprintf(text, sizeof text, "2026-%02d-%02dT%02d:%02d:%02dZ", static_cast<int>(at % 11 + 1),
                static_cast<int>(at / 11 % 28 + 1), static_cast<int>(at / 308 % 24),
                static_cast<int>(at / 7392 % 60), static_cast<int>(at / 443'520 % 60));
  return text;
}

std::string Address(const char* net, std::size_t n) {
  return net + std::to_string(n >> 16 & 255) + "." + std::to_string(n >> 8 & 255) + "." +
         std::to_string(n & 255);
}

void ReplaceFirst(std::string* text, const std::string& what, const std::string& with) {
  const std::size_t at = text->find(what);
  if (at != std::string::npos) text->replace(at, what.size(), with);
}

void ReplaceAll(std::string* text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text->find(what, at)) != std::string::npos; at += with.size()) {
    text->replace(at, what.size(), with);
  }
}

}  // namespace

PodWriter::PodWriter() {
  std::ifstream in(std::string(PROJECT_DIR) + "/tests/data/apiserver-captures/list-one-pod.http");
  const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t begin = all.find("\"items\":[") + 9;
  captured_ = all.substr(begin, all.rfind("]}") - begin);
}

std::string PodWriter::Write(std::size_t i) const {
  Random workload(i / kReplicas + 1);
  const std::string app = "svc-" + Word(&workload, kLetters, 4 + i / kReplicas % 9);
  const std::string ns = "team-" + std::to_string(workload() % 50);
  const std::string hash = Word(&workload, kLetters, 10);
  const std::string owner = Uid(&workload);
  const std::string image =
      "registry.example.com/" + ns + "/" + app + ":v" + std::to_string(workload() % 40);
  const std::string digest = Word(&workload, kHex, 64);

  Random random(~static_cast<Random::result_type>(i));
  const std::size_t node = i / kPodsPerNode;
  std::string name = app;
  name.append("-").append(hash).append("-").append(Word(&random, kLetters, 5));
  std::string pod = captured_;
  ReplaceAll(&pod, "pod=p1_default(", "pod=" + name + "_" + ns + "(");
  ReplaceFirst(&pod, R"("name":"p1")",
               R"("name":")" + name + R"(","generateName":")" + app + "-" + hash + R"(-")");
  ReplaceAll(&pod, R"("name":"p1")", R"("name":")" + app + '"');
  ReplaceAll(&pod, R"(\"name\":\"p1\")", R"(\"name\":\")" + app + R"(\")");
  ReplaceAll(&pod, "[p1]", "[" + app + "]");
  ReplaceAll(&pod, "container=p1", "container=" + app);
  ReplaceFirst(&pod, R"("namespace":"default")", R"("namespace":")" + ns + '"');
  ReplaceFirst(&pod, R"("labels":{"app":"demo","idx":"1"})",
               R"("labels":{"app":")" + app + R"(","pod-template-hash":")" + hash +
                   R"("},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":")" +
                   app + "-" + hash + R"(","uid":")" + owner +
                   R"(","controller":true,"blockOwnerDeletion":true}])");
  ReplaceAll(&pod, "e6558594-b6ec-4535-99b1-4d21b5f60836", Uid(&random));
  ReplaceAll(&pod, "2bnj2", Word(&random, kLetters, 5));
  ReplaceAll(&pod, "docker.io/library/busybox:local", image);
  ReplaceAll(&pod, "0fe5af66718c35b36cb41be3cb9aefccee3297263ad7f0eeaaba65f25eaa3fb7", digest);
  ReplaceAll(&pod, "4083bafdebdf80344e7a97e58abb92bfba64a26137ecfc3b9f4ab81e170490de",
             Word(&random, kHex, 64));
  for (const char* time : {"2026-11-22T14:03:17Z", "2026-11-22T14:03:18Z"}) {
    for (std::size_t at = 0; (at = pod.find(time, at)) != std::string::npos; ++at) {
      pod.replace(at, 20, Time(&random));
    }
  }
  ReplaceAll(&pod, R"("node1")", R"("node-)" + std::to_string(node) + '"');
  ReplaceFirst(&pod, R"("hostIP":"192.0.2.2")", R"("hostIP":")" + Address("172.", node) + '"');
  ReplaceAll(&pod, "192.0.2.2", Address("10.", i));
  ReplaceFirst(&pod, R"("resourceVersion":"327")",
               R"("resourceVersion":")" + std::to_string(100'000 + i * 7 + random() % 7) + '"');
  ReplaceFirst(&pod, R"("restartCount":1)", R"("restartCount":)" + std::to_string(random() % 5));
  return pod;
}

}  // namespace downwardfs::client
