// SPDX-License-Identifier: Apache-2.0
// `mount.downwardfs`, which mount(8) calls for /etc/fstab, systemd mount units and `mount -t
// downwardfs`: runs `downwardfs mount`, which returns when the mount is ready. One thread.
//
// Exit status as mount(8) has it: 0 mounted, 1 wrong options, 32 the mount failed.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/end_with_parent.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "base/version.h"
#include "mount-helper/mount_options.h"

namespace downwardfs {
namespace {

constexpr int kBadOptions = 1;
constexpr int kMountFailed = 32;

int Complain(int status, const std::string& message) {
  std::fprintf(stderr, "mount.downwardfs: %s\n", OneLine(message).c_str());
  return status;
}

// The program is installed as ../bin/downwardfs beside ../sbin/mount.downwardfs; in a build tree it
// lies in ../cli. Otherwise it is looked for in PATH.
std::string FindProgram() {
  if (auto folder = OwnProgramPath()) {
    folder->erase(folder->rfind('/'));
    for (const char* beside : {"/../bin/downwardfs", "/../cli/downwardfs"}) {
      if (access((*folder + beside).c_str(), X_OK) == 0) return *folder + beside;
    }
  }
  return "downwardfs";
}

int Print(const std::string& text) {
  const auto written = WriteAll(STDOUT_FILENO, text, "standard output");
  return written ? 0 : Complain(kBadOptions, written.error().message);
}

int RunAndWait(const std::vector<std::string>& command) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Complain(kMountFailed, ErrnoError(errno, "fork").message);
  if (child == 0) {
    // Nobody waits for the mount any more if whoever asked for it ends us.
    EndWithParent(parent, SIGTERM, kMountFailed);
    // mount(8) may be run with an empty environment; apt's and systemd's PATH differ.
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
    _exit(Complain(kMountFailed, ExecCommand(command).error().message));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status)) return kMountFailed;
  // 2 is wrong usage: an option that `downwardfs mount` refuses.
  switch (WEXITSTATUS(status)) {
    case 0:
      return 0;
    case 2:
      return kBadOptions;
    default:
      return kMountFailed;
  }
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && (arguments[0] == "--help" || arguments[0] == "--version")) {
    if (arguments[0] == "--version") {
      return Print("mount.downwardfs " + std::string(Version()) + "\n");
    }
    return Print(
        "usage: mount.downwardfs none DIR [-fnsv] [-N NAMESPACE] [-o OPTIONS]\n"
        "\n"
        "The helper of mount(8) for downwardfs. OPTIONS are the long options of\n"
        "`downwardfs mount` without their dashes, separated by commas; a value with\n"
        "commas goes in double quotes.\n"
        "Options of mount(8) and FUSE are accepted, or refused with a reason.\n"
        "\n"
        "Example:\n"
        "  mount -t downwardfs none /etc/downward -o pod=web,kubeconfig=/etc/kube.conf\n"
        "In /etc/fstab:\n"
        "  none /etc/downward downwardfs pod-file=/etc/pod.yaml,volume=podinfo,nofail 0 0\n");
  }
  auto request = ParseMountArguments(arguments);
  if (!request) return Complain(kBadOptions, request.error().message);
  auto command = MountCommand(*request);
  if (!command) return Complain(kBadOptions, command.error().message);
  command->insert(command->begin(), FindProgram());
  if (request->verbose) {
    std::string line = "mount.downwardfs:";
    for (const std::string& word : *command) line += " " + word;
    std::puts(line.c_str());
  }
  return request->fake ? 0 : RunAndWait(*command);
}

}  // namespace
}  // namespace downwardfs

int main(int argc, char** argv) {
  downwardfs::BeginProcess();
  return downwardfs::Main(std::vector<std::string>(argv + 1, argv + argc));
}
