// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env_services.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/projection/json_access.h"

namespace downwardfs {
namespace {

std::string UpperCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string LowerCaseOf(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// "my-svc" is MY_SVC. Dots and a digit in front stay: the API server allows neither in a name.
std::string VariableName(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return UpperCase(std::move(name));
}

std::string JoinHostPort(const std::string& host, const std::string& port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? "[" + host + "]:" + port : host + ":" + port;
}

struct Port {
  std::string name;
  std::string number;
  std::string protocol;
};

Result<std::vector<Port>> Ports(const Json* spec) {
  std::vector<Port> ports;
  const Json* const list = FindMember(spec, "ports");
  if (list == nullptr) return ports;
  if (!list->is_array()) return Fail(ErrorCode::kInvalidArgument, "spec.ports must be a list");
  for (const Json& entry : *list) {
    Port port{ScalarMember(&entry, "name"), ScalarMember(&entry, "port"),
              ScalarMember(&entry, "protocol")};
    if (port.number.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "spec.ports: each entry needs a port");
    }
    if (port.protocol.empty()) port.protocol = "TCP";
    ports.push_back(std::move(port));
  }
  return ports;
}

Status AddService(const std::string& name, const Json& service, EnvMap& variables) {
  const Json* const spec = FindMember(&service, "spec");
  const std::string host = ScalarMember(spec, "clusterIP");
  auto ports = Ports(spec);
  if (!ports) return Fail(std::move(ports.error()), "Service " + QuoteForMessage(name));
  const std::string prefix = VariableName(name);
  variables[prefix + "_SERVICE_HOST"] = host;
  const std::string service_port = prefix + "_SERVICE_PORT";
  if (!ports->empty()) variables[service_port] = ports->front().number;
  for (const Port& port : *ports) {
    if (!port.name.empty()) variables[service_port + "_" + VariableName(port.name)] = port.number;
  }
  for (const Port& port : *ports) {
    const std::string url = LowerCaseOf(port.protocol) + "://" + JoinHostPort(host, port.number);
    if (&port == &ports->front()) variables[prefix + "_PORT"] = url;
    const std::string of_port = prefix + "_PORT_" + port.number + "_" + UpperCase(port.protocol);
    variables[of_port] = url;
    variables[of_port + "_PROTO"] = LowerCaseOf(port.protocol);
    variables[of_port + "_PORT"] = port.number;
    variables[of_port + "_ADDR"] = host;
  }
  return {};
}

}  // namespace

Result<EnvMap> ServiceVariables(const std::vector<Json>& services, std::string_view ns,
                                bool links) {
  std::map<std::string, const Json*> seen;  // by name
  for (const Json& service : services) {
    const std::string ip = ScalarMember(FindMember(&service, "spec"), "clusterIP");
    if (ip.empty() || ip == "None") continue;
    const Json* const metadata = FindMember(&service, "metadata");
    const std::string name = ScalarMember(metadata, "name");
    const std::string its_ns = ScalarMember(metadata, "namespace");
    if (links && its_ns == ns) {
      seen[name] = &service;
    } else if (its_ns == "default" && name == "kubernetes") {
      seen.emplace(name, &service);
    }
  }
  EnvMap variables;
  for (const auto& [name, service] : seen) {
    if (auto done = AddService(name, *service, variables); !done)
      return Fail(std::move(done.error()));
  }
  return variables;
}

}  // namespace downwardfs
