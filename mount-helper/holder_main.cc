// SPDX-License-Identifier: Apache-2.0
// `downwardfs-holder`: started by `downwardfs mount`, not by people. Its options are the holder's.
#include <syslog.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/process.h"
#include "base/system_log.h"
#include "base/version.h"
#include "mount-helper/holder.h"
#include "mount-helper/node_main.h"

namespace downwardfs {
namespace {

constexpr int kWrongUsage = 2;

void PrintUsage(std::FILE* to) {
  std::fputs(
      "usage: downwardfs-holder [--mount-directory FD] [--daemon-namespace FD]\n"
      "         --mount-point DIR [--allow-other] [--selinux-context C]\n"
      "         [--ready-fd N] [--watchdog MS] [--no-resend] [--run-as UID:GID]\n"
      "         [--input-fd N]... [--open-input UID:GID:PATH]...\n"
      "         -- PROGRAM [ARGUMENTS]\n",
      to);
  std::fputs(kNodeUsage, to);
  std::fputs(
      "\n"
      "Keeps a downwardfs mount alive while its daemon is started, dies, and is started\n"
      "again. `downwardfs mount` runs it; SIGTERM unmounts, SIGUSR2 starts it and its\n"
      "daemon anew, from the same paths. The other forms are of `downwardfs csi`:\n"
      "--serve mounts volumes for a daemon that may not, --attach and --own start that\n"
      "daemon and keep its volumes, --probe says whether one that serves is there.\n",
      to);
}

int Usage() {
  PrintUsage(stderr);
  return kWrongUsage;
}

int Printed() {
  if (std::fflush(stdout) == 0) return 0;
  std::fprintf(stderr, "downwardfs-holder: standard output: %s\n", std::strerror(errno));
  return 1;
}

// An option that has a value; false where there is no such option, or no such value.
bool TakeValue(const std::string& option, const char* value, HolderOptions& options) {
  if (option == "--mount-point") {
    options.mount.mount_point = value;
  } else if (option == "--selinux-context") {
    options.mount.selinux_context = value;
  } else if (option == "--ready-fd") {
    options.ready_fd = std::atoi(value);
  } else if (option == "--input-fd") {
    options.input_fds.push_back(std::atoi(value));
  } else if (option == "--run-as") {
    options.daemon.run_as = ParseRunAs(value);
    return options.daemon.run_as.has_value();
  } else if (option == "--open-input") {
    return AddInput(value, options.daemon.inputs);
  } else if (option == "--watchdog") {
    options.daemon.watchdog = std::chrono::milliseconds(std::atoi(value));
  } else {
    return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    PrintUsage(stdout);
    return Printed();
  }
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("downwardfs-holder %s\n", std::string(Version()).c_str());
    return Printed();
  }
  if (IsNodeCommand(argc, argv)) {
    SetSystemLog("downwardfs-holder", /*to_stderr=*/true);
    const int status = RunNodeCommand(argc, argv);
    return status < 0 ? Usage() : status;
  }
  HolderOptions options;
  std::string resumed;
  int i = 1;
  if (argc > 2 && std::strcmp(argv[1], "--resume") == 0) {
    resumed = argv[2];
    i = 3;
  }
  // Descriptors are no words of the command: the next holder gets them anew.
  for (; argc > i + 1; i += 2) {
    if (std::strcmp(argv[i], "--mount-directory") == 0) {
      options.directory.Reset(std::atoi(argv[i + 1]));
    } else if (std::strcmp(argv[i], "--daemon-namespace") == 0) {
      options.daemon_namespace.Reset(std::atoi(argv[i + 1]));
      options.daemon.mount_namespace = options.daemon_namespace.get();
    } else {
      break;
    }
  }
  options.arguments.assign(argv + i, argv + argc);
  for (; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    const std::string option = argv[i];
    if (option == "--allow-other") {
      options.mount.allow_other = true;
    } else if (option == "--no-resend") {
      options.resend = false;
    } else if (i + 1 == argc || !TakeValue(option, argv[++i], options)) {
      return Usage();
    }
  }
  for (++i; i < argc; ++i) options.daemon.command.emplace_back(argv[i]);
  if (options.mount.mount_point.empty() || options.daemon.command.empty()) return Usage();
  SetSystemLog("downwardfs-holder", /*to_stderr=*/false);
  Holder holder(std::move(options));
  if (!resumed.empty()) {
    if (auto done = holder.Resume(resumed); !done) {
      SystemLog(LOG_ERR, "downwardfs: %s", done.error().message.c_str());
      return 1;
    }
  }
  return holder.Run();
}

}  // namespace
}  // namespace downwardfs

int main(int argc, char** argv) {
  downwardfs::BeginProcess();
  // Not the end of a mount, if somebody takes it for the signal to open a log file anew.
  std::signal(SIGUSR1, SIG_IGN);
  return downwardfs::Main(argc, argv);
}
