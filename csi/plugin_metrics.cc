// SPDX-License-Identifier: Apache-2.0
#include "csi/plugin_metrics.h"

#include "base/version.h"
#include "csi/process_metrics.h"

namespace downwardfs {
namespace {

using Type = PrometheusText::Type;

// Every value of the label is there from the start, so that an alert never waits for the first one.
void AddVolumes(PrometheusText& out, const VolumeManager::Overview& volumes) {
  out.Family("downwardfs_volumes", Type::kGauge,
             "Volumes of this node by state; `current` is the good one.");
  for (const auto& [state, count] : volumes.by_state) {
    out.Sample({{"state", state}}, count);
  }
  out.Family("downwardfs_data_age_seconds", Type::kGauge,
             "How long ago the oldest content that is shown was last known to be current.",
             std::chrono::duration<double>(volumes.data_age).count());
  out.Family("downwardfs_held_back_volumes", Type::kGauge,
             "Volumes whose changes wait because their pods use more than their share.",
             volumes.held_back);
  out.Family("downwardfs_volumes_without_events", Type::kGauge,
             "Volumes whose changes raise no inotify events.", volumes.without_events);
  out.Family("downwardfs_handover_bytes", Type::kGauge,
             "Handover memory that volumes use, which outlives this daemon.",
             volumes.handover_bytes);
  out.Family("downwardfs_handover_full_volumes", Type::kGauge,
             "Volumes whose handover memory is full: they do not survive this daemon.",
             volumes.handover_full);
}

void AddWatch(PrometheusText& out, const NodeObjects& objects) {
  struct Followed {
    const char* resource;
    SourceState state;
    std::size_t count;
  };
  const Followed all[] = {{"pods", objects.pods().State(), objects.pods().size()},
                          {"nodes", objects.nodes().State(), objects.nodes().size()}};
  out.Family("downwardfs_watch_connected", Type::kGauge,
             "1 while the objects are followed. Nodes are followed once a volume needs them.");
  for (const auto& one : all) {
    out.Sample({{"resource", one.resource}}, one.state.connected ? 1 : 0);
  }
  out.Family("downwardfs_watch_faults_total", Type::kCounter,
             "Watches and lists that failed, however soon they went on.");
  for (const auto& one : all) {
    out.Sample({{"resource", one.resource}}, one.state.faults);
  }
  out.Family("downwardfs_objects", Type::kGauge, "Objects in memory.");
  for (const auto& one : all) {
    out.Sample({{"resource", one.resource}}, one.count);
  }
}

void AddTally(PrometheusText& out, const PluginTally& tally) {
  out.Family("downwardfs_update_duration_seconds", Type::kHistogram,
             "From a change's arrival to the new version of a volume.");
  out.Sample({}, tally.updates.Take());
  out.Family("downwardfs_csi_call_duration_seconds", Type::kHistogram,
             "Calls of the kubelet by method and answer.");
  for (const auto& [call, durations] : tally.calls()) {
    out.Sample({{"method", call.first}, {"grpc_status_code", call.second}}, durations);
  }
  out.Family("downwardfs_fuse_requests_total", Type::kCounter,
             "Requests of the kernel by kind. Warm reads cost none.");
  for (const auto& [kind, count] : tally.requests.Snapshot()) {
    out.Sample({{"kind", kind}}, count);
  }
}

HttpPage Metrics(const PluginParts& parts) {
  PrometheusText out;
  out.Family("downwardfs_build_info", Type::kGauge, "The version that runs.");
  out.Sample({{"version", std::string(Version())}}, 1);
  out.Family("downwardfs_ready", Type::kGauge, "1 if the readiness probe succeeds.",
             parts.volumes.Trouble().empty() ? 1 : 0);
  AddVolumes(out, parts.volumes.Sum());
  AddWatch(out, parts.objects);
  AddTally(out, parts.tally);
  out.Family("downwardfs_content_bytes", Type::kGauge,
             "Bytes that volumes show, with 1024 for each file, beyond the first 16384 of each "
             "volume.",
             parts.budget.used());
  out.Family("downwardfs_content_limit_bytes", Type::kGauge, "The limit of these bytes on a node.",
             ContentBudget::Limits().node);
  out.Family("downwardfs_stuck_changes", Type::kGauge,
             "Changes that wait for a reader who holds a directory.", parts.lanes.stuck());
  out.Family("downwardfs_holder_connected", Type::kGauge,
             "0 while nothing can be mounted or unmounted.", parts.holder.mounter_away() ? 0 : 1);
  out.Family("downwardfs_daemon_deaths_total", Type::kCounter,
             "Daemons that ended unasked since the holder started.", parts.holder.figures().deaths);
  AddProcessMetrics(out);
  return {200, "text/plain; version=0.0.4; charset=utf-8", out.text()};
}

HttpPage Ready(const VolumeManager& volumes) {
  if (volumes.Trouble().empty()) return {200, HttpPage().type, "ok\n"};
  return {503, HttpPage().type, "not ready: `downwardfs csi --probe` on the node says why\n"};
}

}  // namespace

HttpEndpoint::Pages PluginPages(const PluginParts& parts) {
  return {{"/metrics", [parts] { return Metrics(parts); }},
          {"/healthz",
           [&volumes = parts.volumes] {
             static_cast<void>(volumes.size());  // a publish needs this lock too
             return HttpPage{200, HttpPage().type, "ok\n"};
           }},
          {"/readyz", [&volumes = parts.volumes] { return Ready(volumes); }}};
}

}  // namespace downwardfs
