// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/object_summary.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "json/json_dom.h"

namespace downwardfs {
namespace {

using json_dom::Element;
using JsonObject = json_dom::Object;
using json_dom::Text;

void Later(std::int64_t& time, std::string_view timestamp) {
  if (!timestamp.empty()) time = std::max(time, Rfc3339Seconds(timestamp));
}

void ReadMetadata(JsonObject root, ObjectSummary& summary) {
  JsonObject metadata;
  if (!json_dom::Member(root, "metadata", &metadata)) return;
  summary.created = Rfc3339Seconds(Text(metadata, "creationTimestamp"));
  summary.changed = summary.created;
  JsonObject labels;
  if (!json_dom::Member(metadata, "labels", &labels)) return;
  for (const simdjson::dom::key_value_pair& label : labels) {
    std::string_view value;
    if (label.value.get(value) == simdjson::SUCCESS) summary.labels.emplace_back(label.key, value);
  }
  std::sort(summary.labels.begin(), summary.labels.end());
}

void ReadContainers(JsonObject status, const char* list, ObjectSummary& summary) {
  json_dom::EachOf(status, list, [&](JsonObject container) {
    JsonObject state;
    if (!json_dom::Member(container, "state", &state)) return;
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
  if (!json_dom::Member(root, "status", &status)) return;
  json_dom::EachOf(status, "conditions", [&](JsonObject condition) {
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
  json_dom::EachOf(status, "podIPs", [&](JsonObject entry) { add(Text(entry, "ip")); });
}

}  // namespace

ObjectSummary Summarize(const std::string& json) {
  ObjectSummary summary;
  JsonObject root;
  if (!json_dom::Reader::ReadHere(json, &root)) return summary;
  ReadMetadata(root, summary);
  ReadStatus(root, summary);
  JsonObject spec;
  if (json_dom::Member(root, "spec", &spec)) {
    summary.node = Text(spec, "nodeName");
    summary.host_network = json_dom::Flag(spec, "hostNetwork");
  }
  return summary;
}

}  // namespace downwardfs
