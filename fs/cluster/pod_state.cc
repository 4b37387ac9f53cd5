// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/pod_state.h"

#include <map>
#include <set>
#include <vector>

#include "base/rfc3339.h"
#include "base/text.h"
#include "json/json_dom.h"

namespace downwardfs {
namespace {

using json_dom::EachOf;
using json_dom::Flag;
using json_dom::Member;
using json_dom::Number;
using JsonObject = json_dom::Object;
using json_dom::Text;

struct Reading {
  JsonObject metadata, spec, status;
  bool has_metadata = false, has_spec = false, has_status = false;
  std::set<std::string_view> sidecars;
  int init_containers = 0;
  bool pod_ready = false;
  bool initialized = false;  // its condition says so
};

void ReadSpec(Reading& in, PodState& state) {
  if (!in.has_spec) return;
  state.node = Text(in.spec, "nodeName");
  EachOf(in.spec, "containers", [&](JsonObject) { ++state.containers; });
  EachOf(in.spec, "initContainers", [&](JsonObject container) {
    ++in.init_containers;
    if (Text(container, "restartPolicy") != "Always") return;
    in.sidecars.insert(Text(container, "name"));
    ++state.containers;
  });
}

void ReadConditions(Reading& in, PodState& state) {
  std::map<std::string_view, bool> conditions;
  EachOf(in.status, "conditions", [&](JsonObject condition) {
    const std::string_view type = Text(condition, "type");
    conditions[type] = Text(condition, "status") == "True";
    if (type == "PodScheduled" && Text(condition, "reason") == "SchedulingGated") {
      state.reason = "SchedulingGated";
    }
  });
  in.pod_ready = conditions["Ready"];
  in.initialized = conditions["Initialized"];
  if (!in.has_spec) return;
  EachOf(in.spec, "readinessGates", [&](JsonObject gate) {
    ++state.gates;
    if (conditions[Text(gate, "conditionType")]) ++state.open_gates;
  });
}

// "Signal:9" or "ExitCode:2", for a container that gives no reason.
std::string EndOf(JsonObject terminated) {
  const std::int64_t signal = Number(terminated, "signal");
  if (signal != 0) return "Signal:" + std::to_string(signal);
  return "ExitCode:" + std::to_string(Number(terminated, "exitCode"));
}

// True while an init container is not done: then the containers say nothing, unless the pod has
// been initialised before and it is a native sidecar that fails.
bool ReadInitContainers(const Reading& in, PodState& state, std::int64_t& sidecar_restarts) {
  bool initializing = false;
  int index = -1;
  EachOf(in.status, "initContainerStatuses", [&](JsonObject container) {
    ++index;
    if (initializing) return;
    const std::int64_t restarts = Number(container, "restartCount");
    const bool sidecar = in.sidecars.count(Text(container, "name")) != 0;
    state.restarts += restarts;
    if (sidecar) sidecar_restarts += restarts;
    JsonObject container_state, detail;
    const bool has_state = Member(container, "state", &container_state);
    if (has_state && Member(container_state, "terminated", &detail)) {
      if (Number(detail, "exitCode") == 0) return;
      const std::string_view reason = Text(detail, "reason");
      state.reason = Concat({"Init:", reason.empty() ? EndOf(detail) : reason});
    } else if (sidecar && Flag(container, "started")) {
      if (Flag(container, "ready")) ++state.ready;
      return;
    } else if (has_state && Member(container_state, "waiting", &detail) &&
               !Text(detail, "reason").empty() && Text(detail, "reason") != "PodInitializing") {
      state.reason = Concat({"Init:", Text(detail, "reason")});
    } else {
      state.reason =
          Concat({"Init:", std::to_string(index), "/", std::to_string(in.init_containers)});
    }
    initializing = true;
  });
  return initializing;
}

void ReadContainers(const Reading& in, PodState& state) {
  std::vector<JsonObject> containers;
  EachOf(in.status, "containerStatuses",
         [&](JsonObject container) { containers.push_back(container); });
  bool running = false;
  for (auto at = containers.rbegin(); at != containers.rend(); ++at) {
    state.restarts += Number(*at, "restartCount");
    JsonObject container_state, detail;
    if (!Member(*at, "state", &container_state)) continue;
    if (Member(container_state, "waiting", &detail) && !Text(detail, "reason").empty()) {
      state.reason = Text(detail, "reason");
    } else if (Member(container_state, "terminated", &detail)) {
      const std::string_view reason = Text(detail, "reason");
      state.reason = reason.empty() ? EndOf(detail) : std::string(reason);
    } else if (Flag(*at, "ready") && Member(container_state, "running", &detail)) {
      running = true;
      ++state.ready;
    }
  }
  if (state.reason == "Completed" && running) state.reason = in.pod_ready ? "Running" : "NotReady";
}

}  // namespace

PodState ReadPodState(const std::string& json) {
  PodState state;
  JsonObject root;
  if (!json_dom::Reader::ReadHere(json, &root)) return state;
  Reading in;
  in.has_metadata = Member(root, "metadata", &in.metadata);
  in.has_spec = Member(root, "spec", &in.spec);
  in.has_status = Member(root, "status", &in.status);
  std::string_view phase, why;
  ReadSpec(in, state);
  if (in.has_status) {
    phase = Text(in.status, "phase");
    why = Text(in.status, "reason");
    state.reason = why.empty() ? phase : why;
    state.ip = Text(in.status, "podIP");
    state.nominated_node = Text(in.status, "nominatedNodeName");
    ReadConditions(in, state);
    std::int64_t sidecar_restarts = 0;
    if (!ReadInitContainers(in, state, sidecar_restarts) || in.initialized) {
      state.restarts = sidecar_restarts;
      ReadContainers(in, state);
    }
  }
  if (!in.has_metadata) return state;
  state.name = Text(in.metadata, "name");
  state.created = Rfc3339Seconds(Text(in.metadata, "creationTimestamp"));
  if (!Text(in.metadata, "deletionTimestamp").empty()) {
    if (why == "NodeLost") {
      state.reason = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      state.reason = "Terminating";
    }
  }
  return state;
}

}  // namespace downwardfs
