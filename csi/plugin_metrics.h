// SPDX-License-Identifier: Apache-2.0
//
// The pages of the plugin's HTTP endpoint: /metrics for Prometheus, /healthz and /readyz for
// probes. docs/metrics.md lists the families; their names are a contract. A page names no pod, no
// path and no server, since whoever reaches the port may ask.
//
// The pages are made on the endpoint's thread; what they ask outlives the endpoint.
#pragma once

#include <string>

#include "csi/content_budget.h"
#include "csi/http_endpoint.h"
#include "csi/node_objects.h"
#include "csi/plugin_tally.h"
#include "csi/volume_manager.h"

namespace downwardfs {

struct PluginParts {
  const VolumeManager& volumes;
  const NodeObjects& objects;
  const HolderClient& holder;
  const LanePool& lanes;
  const ContentBudget& budget;
  const PluginTally& tally;
};

HttpEndpoint::Pages PluginPages(const PluginParts& parts);

}  // namespace downwardfs
