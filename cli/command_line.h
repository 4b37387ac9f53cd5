// SPDX-License-Identifier: Apache-2.0
//
// The command line, parsed into plain structs: nothing below main() sees a flag. CLI11 stays in
// command_line.cc. Used by main() only, before any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log_setup.h"
#include "client/config/resolve.h"

namespace downwardfs {

/// SOURCE: where the objects come from. With a pod file nothing else but node_file is set; without,
/// it is an API server.
struct SourceOptions {
  std::string pod_file;
  std::string node_file;
  bool api_defaults = false;  ///< of a pod file: requests from limits, as the API server does
  client::ServerFlags server;
  bool nodes = true;  ///< false: no Node is read from the server
  /// How long to wait for the server; zero: one attempt; nothing: each command's own way.
  std::optional<std::chrono::milliseconds> wait;
};

/// WHAT: the pod, and what is shown of it.
struct WhatOptions {
  std::string pod;         ///< NS/NAME; empty: the only one of the source
  std::string items_file;  ///< at most one of items_file and volume; neither: the full view
  std::string volume;
  bool strict = false;  ///< refuse what the kubelet itself refuses
  // The tree instead of one pod (mount).
  bool cluster = false;
  std::vector<std::string> namespaces;  ///< of these only

  bool is_tree() const { return cluster || !namespaces.empty(); }
};

struct MountOptions {
  SourceOptions source;
  WhatOptions what;
  LogOptions log;
  std::string directory;     ///< that relative paths start from; empty: the working directory
  std::string log_file_at;   ///< the log file's path without symlinks; empty: not known
  std::string mount_point;   ///< empty: to be asked for (cli/default_mount.h)
  bool over_mounts = false;  ///< mount also where something is mounted
  bool foreground = false;
  bool allow_other = false;
  bool allow_other_given = false;      ///< by a flag
  bool holder = true;                  ///< root: a process that outlives the daemon holds the mount
  int watchdog_ms = 10000;             ///< of the holder; 0: none
  std::string source_name;             ///< that mountinfo shows (mount.downwardfs); empty: ours
  bool watchdog_given = false;         ///< by a flag
  std::string run_as;                  ///< UID:GID of the daemon; empty: who we are
  bool resend = true;                  ///< of the holder: let the kernel send requests again
  std::vector<std::string> arguments;  ///< of the whole command line, for the daemon
  bool live_layout = false;            ///< files that change in place instead of `..data` and links
  std::string selinux_context;         ///< empty: none
  std::string mount_namespace;         ///< to mount in, a file of /proc/PID/ns; empty: ours
  std::optional<std::uint32_t> fs_group;
};

struct RenderOptions {
  SourceOptions source;
  WhatOptions what;
  bool json = false;
  std::optional<std::string> field;  ///< print this field alone
};

struct EnvCommandOptions {
  SourceOptions source;
  std::string pod;
  std::string container;          ///< empty: the pod's only one
  std::string format = "dotenv";  ///< dotenv, json or shell
  bool skip_unresolved = false;
  bool strict_names = false;         ///< the names that Kubernetes took before 1.32
  bool service_env = false;          ///< with the variables of Services
  std::vector<std::string> command;  ///< exec: what to run
};

struct WriteOptions {
  SourceOptions source;
  WhatOptions what;
  LogOptions log;
  std::string directory;
  bool once = false;
};

struct UpgradeOptions {
  std::string mount_point;
};

struct UmountOptions {
  std::string mount_point;
  bool lazy = false;
};

struct StatusOptions {
  std::string mount_point;
  bool json = false;
};

struct AliveOptions {
  std::string path;
};

struct CsiOptions {
  client::ServerFlags server;
  LogOptions log;
  std::string node;      ///< this node's name
  std::string endpoint;  ///< unix:// of the CSI socket; empty: where the kubelet expects it
  std::string driver_name = "csi.downwardfs.dev";
  std::string kubelet_dir;  ///< its root directory; empty: volumes may be anywhere (tests)
  std::string state_dir;    ///< directory for records of published volumes; none: beside the socket
  std::string holder_socket;  ///< of a holder that runs elsewhere; empty: one is started
  std::string registration;   ///< the socket in plugins_registry; empty: under kubelet_dir
  std::chrono::milliseconds review_interval{300000};
  std::string metrics_address;  ///< of the HTTP endpoint; empty: none
  std::string startup_taint;    ///< key of the taint to take off the node; empty: none
  int watchdog_ms = 10000;
  std::string run_as;
  bool resend = true;
  bool probe = false;                  ///< ask the plugin at the endpoint how it is, and exit
  bool live = false;                   ///< of a probe: an answer is enough
  std::vector<std::string> arguments;  ///< those after `csi`, for the daemon
};

struct CommandLine {
  enum class Command {
    kMount,
    kRender,
    kEnv,
    kExec,
    kWrite,
    kStatus,
    kAlive,
    kUpgrade,
    kUmount,
    kCsi,
  };
  Command command = Command::kMount;
  MountOptions mount;
  RenderOptions render;
  EnvCommandOptions env;  ///< of env and exec
  WriteOptions write;
  StatusOptions status;
  AliveOptions alive;
  UpgradeOptions upgrade;
  CsiOptions csi;
  UmountOptions umount;
};

/// Parses the arguments. --help and --version print and exit 0; wrong usage prints one line and
/// exits 2. So whoever gets an answer has a command to run.
CommandLine ParseCommandLine(int argc, char** argv);

}  // namespace downwardfs
