// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/object_summary.h"

#include <algorithm>

#include "fs/cluster/json_reader.h"

namespace downwardfs {
namespace {

using cluster_json::Element;
using JsonObject = cluster_json::Object;
using cluster_json::Text;
using cluster_json::ToSeconds;

void Later(std::int64_t& time, std::string_view timestamp) {
  if (!timestamp.empty()) time = std::max(time, ToSeconds(timestamp));
}

void ReadMetadata(JsonObject root, ObjectSummary& summary) {
  JsonObject metadata;
  if (!cluster_json::Member(root, "metadata", &metadata)) return;
  summary.created = ToSeconds(Text(metadata, "creationTimestamp"));
  summary.changed = summary.created;
  JsonObject labels;
  if (!cluster_json::Member(metadata, "labels", &labels)) return;
  for (const simdjson::dom::key_value_pair& label : labels) {
    std::string_view value;
    if (label.value.get(value) == simdjson::SUCCESS) summary.labels.emplace_back(label.key, value);
  }
  std::sort(summary.labels.begin(), summary.labels.end());
}

void ReadContainers(JsonObject status, const char* list, ObjectSummary& summary) {
  cluster_json::EachOf(status, list, [&](JsonObject container) {
    JsonObject state;
    if (!cluster_json::Member(container, "state", &state)) return;
    for (const simdjson::dom::key_value_pair& kind : state) {
      JsonObject detail;
      if (kind.value.get(detail) != simdjson::SUCCESS) continue;
      Later(summary.changed, Text(detail, "startedAt"));
      Later(summary.changed, Text(detail, "finishedAt"));
    }
  });
}

void ReadStatus(JsonObject root, ObjectSummary& summary) {
  JsonObject status;
  if (!cluster_json::Member(root, "status", &status)) return;
  cluster_json::EachOf(status, "conditions", [&](JsonObject condition) {
    Later(summary.changed, Text(condition, "lastTransitionTime"));
  });
  ReadContainers(status, "containerStatuses", summary);
  ReadContainers(status, "initContainerStatuses", summary);
  const std::string_view phase = Text(status, "phase");
  summary.finished = phase == "Succeeded" || phase == "Failed";
  const auto add = [&](std::string_view ip) {
    if (ip.empty() || std::find(summary.ips.begin(), summary.ips.end(), ip) != summary.ips.end()) {
      return;
    }
    summary.ips.emplace_back(ip);
  };
  add(Text(status, "podIP"));
  cluster_json::EachOf(status, "podIPs", [&](JsonObject entry) { add(Text(entry, "ip")); });
}

}  // namespace

ObjectSummary Summarize(const std::string& json) {
  static thread_local cluster_json::Reader reader;
  ObjectSummary summary;
  JsonObject root;
  if (!reader.Read(json, &root)) return summary;
  ReadMetadata(root, summary);
  ReadStatus(root, summary);
  JsonObject spec;
  if (cluster_json::Member(root, "spec", &spec)) {
    summary.node = Text(spec, "nodeName");
    summary.host_network = cluster_json::Flag(spec, "hostNetwork");
  }
  return summary;
}

}  // namespace downwardfs
