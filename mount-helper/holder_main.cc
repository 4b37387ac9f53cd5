// SPDX-License-Identifier: Apache-2.0
// `downwardfs-holder`: started by `downwardfs mount`, not by people. Its options are the holder's.
#include <syslog.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "mount-helper/holder.h"

namespace downwardfs {
namespace {

constexpr int kWrongUsage = 2;

int Usage() {
  std::fputs(
      "usage: downwardfs-holder --mount-point DIR [--allow-other] [--selinux-context C]\n"
      "         [--ready-fd N] [--watchdog MS] [--no-resend] -- PROGRAM [ARGUMENTS]\n"
      "\n"
      "Keeps a downwardfs mount alive while its daemon is started, dies, and is started again.\n"
      "`downwardfs mount` runs it; SIGTERM unmounts, SIGUSR2 starts the daemon anew.\n",
      stderr);
  return kWrongUsage;
}

int Main(int argc, char** argv) {
  HolderOptions options;
  int i = 1;
  for (; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    const std::string option = argv[i];
    if (option == "--allow-other") {
      options.mount.allow_other = true;
    } else if (option == "--no-resend") {
      options.resend = false;
    } else if (i + 1 == argc) {
      return Usage();
    } else if (option == "--mount-point") {
      options.mount.mount_point = argv[++i];
    } else if (option == "--selinux-context") {
      options.mount.selinux_context = argv[++i];
    } else if (option == "--ready-fd") {
      options.ready_fd = std::atoi(argv[++i]);
    } else if (option == "--watchdog") {
      options.watchdog = std::chrono::milliseconds(std::atoi(argv[++i]));
    } else {
      return Usage();
    }
  }
  for (++i; i < argc; ++i) options.command.emplace_back(argv[i]);
  if (options.mount.mount_point.empty() || options.command.empty()) return Usage();
  openlog("downwardfs-holder", LOG_PID, LOG_DAEMON);
  return Holder(std::move(options)).Run();
}

}  // namespace
}  // namespace downwardfs

int main(int argc, char** argv) {
  return downwardfs::Main(argc, argv);
}
