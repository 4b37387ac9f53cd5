// SPDX-License-Identifier: Apache-2.0
#include "cli/csi_flags.h"

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/tcp_listener.h"
#include "cli/duration.h"
#include "cli/log_flags.h"
#include "cli/source_flags.h"
#include "cli/survival_flags.h"
#include "mount-helper/unix_socket.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

constexpr char kPluginGroup[] = "The plugin";
constexpr char kServerGroup[] =
    "The API server (none given: that of $KUBECONFIG, then of ~/.kube/config, then of the pod that "
    "this runs in)";
constexpr std::size_t kLongestDriverName = 63;  // CSI specification, GetPluginInfo
// Each volume that shows something of others costs the API server a review.
constexpr std::chrono::milliseconds kShortestReviewInterval{100};
constexpr std::size_t kLongestTaintKey = 253 + 1 + 63;

CLI::Option* AddText(CLI::App* command, const char* name, std::string& value, const char* type,
                     const char* text, const char* group) {
  return command->add_option(name, value, text)->type_name(type)->group(group);
}

bool IsDriverName(const std::string& name) {
  const auto alphanumeric = [](unsigned char c) { return std::isalnum(c) != 0; };
  return !name.empty() && name.size() <= kLongestDriverName && alphanumeric(name.front()) &&
         alphanumeric(name.back()) && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
           return alphanumeric(c) || c == '-' || c == '.' || c == '_';
         });
}

// Refuses what is no key at all, such as KEY=VALUE:EFFECT; the rest is the API server's to say,
// which gives no node such a taint.
bool MayBeTaintKey(const std::string& key) {
  return key.size() <= kLongestTaintKey && std::count(key.begin(), key.end(), '/') <= 1 &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '/';
         });
}

}  // namespace

void AddCsiFlags(CLI::App* command, CsiOptions& options) {
  AddText(command, "--node-id", options.node, "NAME",
          "The name of this node, as the API server has it", kPluginGroup);
  AddText(command, "--endpoint", options.endpoint, "unix://PATH",
          "The CSI socket (default: DIR/plugins/DRIVER/csi.sock of --kubelet-dir)", kPluginGroup);
  AddText(command, "--driver-name", options.driver_name, "NAME",
          "As in the CSIDriver object (default: csi.downwardfs.dev)", kPluginGroup);
  AddText(command, "--kubelet-dir", options.kubelet_dir, "DIR",
          "The kubelet's root directory, such as /var/lib/kubelet: volumes are mounted nowhere "
          "else, and the plugin registers itself in DIR/plugins_registry. Without it any "
          "target_path is taken, for tests",
          kPluginGroup);
  AddText(command, "--registration", options.registration, "PATH",
          "The registration socket (default: DIR/plugins_registry/DRIVER-reg.sock)", kPluginGroup);
  AddText(
      command, "--state-dir", options.state_dir, "DIR",
      "Directory with the records of published volumes, this user's alone (default: "
      "DIR/plugins/DRIVER/state of --kubelet-dir, otherwise SOCKET.state beside the CSI socket)",
      kPluginGroup);
  command
      ->add_option_function<std::string>(
          "--review-interval",
          [&options](const std::string& text) {
            auto interval = ParseDuration(text);
            if (!interval)
              throw CLI::ValidationError("--review-interval " + interval.error().message);
            if (*interval < kShortestReviewInterval)
              throw CLI::ValidationError("--review-interval " + text + ": must be at least 100ms");
            options.review_interval = *interval;
          },
          "How often it is asked anew whether a pod's ServiceAccount may still read what its "
          "volume shows of other objects (default: 5m)")
      ->type_name("DURATION")
      ->group(kPluginGroup);
  CLI::Option* const probe =
      command
          ->add_flag("--probe", options.probe,
                     "Ask the plugin that serves --endpoint whether it is ready, say what is "
                     "wrong, and exit 0 or 1")
          ->group(kPluginGroup);
  command
      ->add_flag("--live", options.live,
                 "With --probe: that it answers is enough, though the API server may be away")
      ->needs(probe)
      ->group(kPluginGroup);
  AddServer(command, options.server, kServerGroup);
  command
      ->add_option("--metrics-address", options.metrics_address,
                   "Serve /metrics for Prometheus, /healthz and /readyz over HTTP there; HOST may "
                   "be left out: all addresses (default: nowhere)")
      ->type_name("HOST:PORT")
      ->group(kPluginGroup);
  AddText(command, "--startup-taint", options.startup_taint, "KEY",
          "Take taints of this key off the node once the kubelet has registered the driver; needs "
          "the rights to patch nodes and to get csinodes (default: no taint)",
          kPluginGroup);
  AddText(command, "--holder-socket", options.holder_socket, "PATH",
          "A `downwardfs-holder --serve` that mounts for this daemon, which then needs no right "
          "at all and whose death no pod notices. Without it a holder of its own is started, as "
          "root",
          kSurvivalGroup);
  AddSurvival(command, options.watchdog_ms, options.run_as, options.resend,
              "The user that the daemon becomes");
  AddLog(command, options.log);
  command->footer(
      "Example:\n"
      "  downwardfs csi --node-id \"$(hostname)\" --kubelet-dir /var/lib/kubelet\n"
      "  downwardfs csi --node-id n1 --endpoint unix:///tmp/csi.sock --kubeconfig conf\n"
      "  downwardfs csi --probe --endpoint unix:///tmp/csi.sock");
}

std::string CsiContradiction(const CsiOptions& options) {
  if (options.endpoint.empty() && options.kubelet_dir.empty()) {
    return "--endpoint unix://PATH or --kubelet-dir DIR is required";
  }
  if (options.probe) return "";
  if (options.node.empty()) return "--node-id NAME is required";
  if (!IsDriverName(options.driver_name)) {
    return "--driver-name " + options.driver_name +
           ": at most 63 letters, digits, '-', '.' and '_', the first and last no sign";
  }
  if (!options.kubelet_dir.empty() && options.kubelet_dir.front() != '/') {
    return "--kubelet-dir must be an absolute path";
  }
  if (!options.metrics_address.empty()) {
    if (auto trouble = AddressTrouble(options.metrics_address); !trouble.empty()) {
      return "--metrics-address " + trouble;
    }
  }
  if (!MayBeTaintKey(options.startup_taint)) {
    return "--startup-taint " + options.startup_taint +
           ": give the key of a taint alone, such as example.org/starting";
  }
  return ServerContradiction(options.server);
}

void FillInCsiPaths(CsiOptions& options) {
  if (!options.kubelet_dir.empty()) options.kubelet_dir = PlainPath(options.kubelet_dir);
  const std::string plugin = options.kubelet_dir + "/plugins/" + options.driver_name;
  if (options.endpoint.empty()) options.endpoint = "unix://" + plugin + "/csi.sock";
  if (!options.state_dir.empty()) return;
  if (!options.kubelet_dir.empty()) {
    options.state_dir = plugin + "/state";
    return;
  }
  // A bad endpoint is refused later.
  if (const auto socket = SocketPath(options.endpoint)) options.state_dir = *socket + ".state";
}

}  // namespace downwardfs
