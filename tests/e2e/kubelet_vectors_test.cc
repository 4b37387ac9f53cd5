// SPDX-License-Identifier: Apache-2.0
// Whole pods against the recorded answers of Kubernetes 1.37, by the program itself: `render` for
// volumes and `env` for environments, each from files and from an API server.
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/fakes/fake_api_server.h"
#include "tests/projection/vectors.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace downwardfs::testing {
namespace {

// docs/semantics.md, "Ours on purpose": rules of the API server about the pod as a whole, which are
// its part. Each is a place that an error of a vector names.
bool IsOurs(const Json& vector_in, const Json& out) {
  if (out.value("stage", "") != "validate") return false;
  const std::string of_container = "spec.containers[0].";
  const bool is_env = vector_in.at("op") == "env";
  const Json& spec = vector_in.at("pod").at("spec");
  for (const Json& error : out.at("errors")) {
    const std::string field = error.at("field");
    if (field.rfind("spec.resources", 0) == 0) continue;
    if (is_env) {
      // Another container's variables.
      const bool own = field.rfind(of_container, 0) == 0 &&
                       spec.at("containers")[0].at("name") == vector_in.at("container");
      const bool other = field.rfind("spec.", 0) == 0 && !own;
      if (other && field.find("ontainers[") != std::string::npos) continue;
      // A field that only we have in env.
      if (own && field.find(".fieldRef.fieldPath") != std::string::npos) continue;
    }
    return false;
  }
  return true;
}

void DropUsers(Json& value) {
  if (value.is_object()) {
    value.erase("user");
    value.erase("defaultUser");
  }
  if (value.is_structured()) {
    for (Json& member : value) DropUsers(member);
  }
}

class KubeletPodVectors : public ::testing::Test {
 protected:
  // The pod as the API server has it, without what a gate drops.
  static Json Pod(const Json& in) {
    Json pod = in.at("pod");
    pod["apiVersion"] = "v1";
    pod["kind"] = "Pod";
    const Json gates = in.value("gates", Json::array());
    const bool users =
        std::find(gates.begin(), gates.end(), "AtomicWriteVolumeUserFields") != gates.end();
    if (!users && pod["spec"].contains("volumes")) DropUsers(pod["spec"]["volumes"]);
    return pod;
  }

  static Json Node(const Json& in) {
    Json node = in.value("node", Json::object());
    node["apiVersion"] = "v1";
    node["kind"] = "Node";
    if (!node.contains("metadata")) node["metadata"] = {{"name", "node-1"}};
    return node;
  }

  // Of one document each: the pod, and what stands beside it.
  std::vector<std::string> FromFiles(const Json& in) const {
    Json list = {{"apiVersion", "v1"}, {"kind", "List"}, {"items", Json::array({Pod(in)})}};
    for (const auto& [member, kind] : kObjects) {
      for (Json object : in.value(member, Json::array())) {
        object["apiVersion"] = "v1";
        object["kind"] = kind;
        list["items"].push_back(std::move(object));
      }
    }
    return {"--pod-file", dir_.Write("pod.json", DumpJson(list)), "--node-file",
            dir_.Write("node.json", DumpJson(Node(in))), "--api-defaults"};
  }

  std::vector<std::string> FromServer(const Json& in) {
    Json pod = Pod(in);
    ApplyDefaults(pod);
    const Json node = Node(in);
    if (!pod["spec"].contains("nodeName")) pod["spec"]["nodeName"] = node["metadata"]["name"];
    server_ = std::make_unique<FakeApiServer>(PlainHttp());
    Put("pods", pod);
    Put("nodes", node);
    for (const auto& [member, kind] : kObjects) {
      for (const Json& object : in.value(member, Json::array())) Put(member, object);
    }
    const std::string name = pod["metadata"]["namespace"].get<std::string>() + "/" +
                             pod["metadata"]["name"].get<std::string>();
    return {"--server", server_->url(), "--pod", name, "--wait", "0"};
  }

  // Runs the program on every vector of the file; `same` compares an answer.
  void RunAll(const char* file, bool server,
              const std::function<std::vector<std::string>(const Json&)>& command,
              const std::function<std::string(const Json& printed, const Json& out)>& difference) {
    std::size_t good = 0;
    std::size_t ours = 0;
    std::size_t count = 0;
    ForEachVector(file, [&](const Vector& vector) {
      const std::string stage = vector.out.value("stage", "");
      if (server && (stage == "validate" || stage == "decode")) return;  // no server has the pod
      ++count;
      std::vector<std::string> words = command(vector.in);
      const auto source = server ? FromServer(vector.in) : FromFiles(vector.in);
      words.insert(words.begin() + 1, source.begin(), source.end());
      const Outcome outcome = Downwardfs(words);
      if (IsRefused(vector) && outcome.exit_code == 0 && IsOurs(vector.in, vector.out)) {
        ++ours;
        return;
      }
      std::string wrong;
      if (IsRefused(vector)) {
        if (outcome.exit_code != 1) wrong = "is not refused";
      } else if (outcome.exit_code != 0) {
        wrong = outcome.err;
      } else {
        const auto printed = ParseJson(outcome.out);
        wrong = printed ? difference(*printed, vector.out) : "prints no JSON";
      }
      if (wrong.empty()) {
        ++good;
      } else {
        ADD_FAILURE() << wrong << "\n" << vector.where << "\n" << DumpJson(vector.out);
      }
    });
    std::cout << good << " of " << count << " as recorded, " << ours << " ours on purpose\n";
    EXPECT_GE(good * 10, count * 8);
  }

 private:
  static constexpr std::pair<const char*, const char*> kObjects[] = {
      {"configMaps", "ConfigMap"}, {"secrets", "Secret"}, {"services", "Service"}};

  static FakeApiServer::Options PlainHttp() {
    FakeApiServer::Options options;
    options.tls = false;
    return options;
  }

  // Requests from limits.
  static void ApplyDefaults(Json& pod) {
    for (const char* const list : {"containers", "initContainers"}) {
      if (!pod["spec"].contains(list)) continue;
      for (Json& container : pod["spec"][list]) {
        const Json limits = container.value("resources", Json::object()).value("limits", Json());
        if (!limits.is_object()) continue;
        Json& requests = container["resources"]["requests"];
        for (const auto& [name, limit] : limits.items()) {
          if (!requests.contains(name)) requests[name] = limit;
        }
      }
    }
  }

  void Put(std::string resource, Json object) {
    std::transform(resource.begin(), resource.end(), resource.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    Json& metadata = object["metadata"];
    metadata["resourceVersion"] = "7";
    if (!metadata.contains("uid")) metadata["uid"] = "uid-of-server";
    FakeApiServer::Members members;
    members.whole = DumpJson(object);
    server_->PutObject(resource, metadata.value("namespace", ""), metadata.value("name", ""),
                       members);
  }

  const TempDir dir_;
  std::unique_ptr<FakeApiServer> server_;
};

std::vector<std::string> RenderVolume(const Json& in) {
  return {"render", "--volume", in.at("volume").get<std::string>(), "--format", "json"};
}

std::string CompareFiles(const Json& printed, const Json& out) {
  const Json& files = printed.at("files");
  if (files == out.at("files")) return "";
  return "prints " + DumpJson(files);
}

std::vector<std::string> PrintEnv(const Json& in) {
  std::vector<std::string> words = {"env", "--container", in.at("container").get<std::string>(),
                                    "--format", "json"};
  if (in.contains("services")) words.emplace_back("--service-env");
  return words;
}

std::string CompareEnv(Json printed, const Json& out) {
  constexpr std::string_view kBytes = "=base64";
  const Json all = printed;
  for (const auto& [name, value] : all.items()) {
    const auto at = name.find(kBytes);
    if (at == std::string::npos) continue;
    printed.erase(name);
    printed[name.substr(0, at)] = DecodeBase64(value.get_ref<const std::string&>());
  }
  Json recorded = Json::object();
  for (const Json& variable : out.at("env")) {
    recorded[BytesMember(variable, "name")] = BytesMember(variable, "value");
  }
  return printed == recorded ? "" : "prints " + DumpJson(printed);
}

TEST_F(KubeletPodVectors, VolumesFromFiles) {
  RunAll("volume.jsonl", false, RenderVolume, CompareFiles);
}

TEST_F(KubeletPodVectors, VolumesFromAServer) {
  RunAll("volume.jsonl", true, RenderVolume, CompareFiles);
}

TEST_F(KubeletPodVectors, EnvironmentsFromFiles) {
  RunAll("env.jsonl", false, PrintEnv, CompareEnv);
}

TEST_F(KubeletPodVectors, EnvironmentsFromAServer) {
  RunAll("env.jsonl", true, PrintEnv, CompareEnv);
}

}  // namespace
}  // namespace downwardfs::testing
