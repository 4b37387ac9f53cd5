// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/node_main.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "mount-helper/client_door.h"
#include "mount-helper/supervisor.h"
#include "mount-helper/syscall_filter.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

struct NodeOptions {
  std::string serve;
  std::string attach;
  bool own = false;
  std::string driver = "csi.downwardfs.dev";
  SupervisorOptions supervisor;
};

// An option that has a value; false where there is no such option, or no such value.
bool TakeValue(const std::string& option, const char* value, NodeOptions& options) {
  NodeMounterOptions& mounter = options.supervisor.mounter;
  DaemonOptions& daemon = options.supervisor.daemon;
  if (option == "--serve") {
    options.serve = value;
  } else if (option == "--attach") {
    options.attach = value;
  } else if (option == "--kubelet-dir") {
    mounter.kubelet_dir = PlainPath(value);
  } else if (option == "--driver-name") {
    options.driver = value;
  } else if (option == "--endpoint") {
    mounter.csi_socket = value;
  } else if (option == "--registration") {
    mounter.registration = value;
  } else if (option == "--watchdog") {
    daemon.watchdog = std::chrono::milliseconds(std::atoi(value));
  } else if (option == "--client" || option == "--run-as") {
    const auto who = ParseRunAs(value);
    if (!who) return false;
    if (option == "--run-as") daemon.run_as = who;
    mounter.client = SocketOwner{who->uid, who->gid};
  } else {
    return false;
  }
  return true;
}

// The kubelet looks for plugins in these directories (kubernetes pkg/kubelet/config/defaults.go).
void FillInPaths(NodeOptions& options) {
  NodeMounterOptions& mounter = options.supervisor.mounter;
  mounter.driver = options.driver;
  if (mounter.kubelet_dir.empty()) return;
  const std::string plugin = mounter.kubelet_dir + "/plugins/" + options.driver;
  if (mounter.csi_socket.empty()) mounter.csi_socket = plugin + "/csi.sock";
  if (mounter.registration.empty()) {
    mounter.registration =
        mounter.kubelet_dir + "/plugins_registry/" + options.driver + "-reg.sock";
  }
  mounter.plugin_dir = plugin;
  // A daemon that is no root could not make it.
  if (!options.serve.empty() || mounter.client) mounter.state_dir = plugin + "/state";
}

// Three descriptors for each volume.
void AllowManyFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Probe(const char* socket) {
  const auto alive = ProbeMounter(socket);
  if (alive) return 0;
  std::fprintf(stderr, "downwardfs-holder: %s\n", alive.error().message.c_str());
  return 1;
}

}  // namespace

bool IsNodeCommand(int argc, char** argv) {
  if (argc < 2) return false;
  for (const char* const form : {"--serve", "--attach", "--own", "--probe"}) {
    if (std::strcmp(argv[1], form) == 0) return true;
  }
  return false;
}

int RunNodeCommand(int argc, char** argv) {
  if (std::strcmp(argv[1], "--probe") == 0) return argc == 3 ? Probe(argv[2]) : -1;
  NodeOptions options;
  int i = 1;
  for (; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    const std::string option = argv[i];
    if (option == "--own") {
      options.own = true;
    } else if (option == "--no-resend") {
      options.supervisor.resend = false;
    } else if (i + 1 == argc || !TakeValue(option, argv[++i], options)) {
      return -1;
    }
  }
  for (++i; i < argc; ++i) options.supervisor.daemon.command.emplace_back(argv[i]);
  FillInPaths(options);
  AllowManyFiles();
  const bool has_daemon = !options.supervisor.daemon.command.empty();
  if (!options.serve.empty()) {
    if (has_daemon || options.own || !options.attach.empty()) return -1;
    NodeMounterOptions& mounter = options.supervisor.mounter;
    if (mounter.kubelet_dir.empty()) return -1;
    mounter.socket = options.serve;
    ConfinePrivileged(ProcessRole::kMounter);
    return NodeMounter(std::move(mounter)).Run();
  }
  if (!has_daemon || options.own != options.attach.empty()) return -1;
  options.supervisor.mounter_socket = options.attach;
  ConfinePrivileged(ProcessRole::kHolder);
  return Supervisor(std::move(options.supervisor)).Run();
}

}  // namespace downwardfs
