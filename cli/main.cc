// SPDX-License-Identifier: Apache-2.0
// The program `downwardfs`: parses the command line, runs one subcommand, maps errors to exit 1.
#include <csignal>
#include <cstdio>
#include <exception>

#include "base/text.h"
#include "cli/commands.h"

namespace downwardfs {
namespace {

Result<int> Run(const CommandLine& line) {
  switch (line.command) {
    case CommandLine::Command::kMount:
      return RunMount(line.mount);
    case CommandLine::Command::kRender:
      return RunRender(line.render);
    case CommandLine::Command::kEnv:
      return RunEnv(line.env);
    case CommandLine::Command::kExec:
      return RunExec(line.env);
    case CommandLine::Command::kWrite:
      return RunWrite(line.write);
    case CommandLine::Command::kStatus:
      return RunStatus(line.status);
    case CommandLine::Command::kUmount:
      return RunUmount(line.umount);
    case CommandLine::Command::kUpgrade:
      return RunUpgrade(line.upgrade);
    case CommandLine::Command::kCsi:
      return RunCsi(line.csi);
  }
  return 1;
}

int Main(int argc, char** argv) {
  // A reader that went away is an error of write(2), not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  auto status = Run(ParseCommandLine(argc, argv));
  if (status) return *status;
  std::fprintf(stderr, "downwardfs: %s\n", OneLine(status.error().message).c_str());
  return 1;
}

}  // namespace
}  // namespace downwardfs

int main(int argc, char** argv) {
  try {
    return downwardfs::Main(argc, argv);
  } catch (const std::exception& e) {
    // Adapters catch what libraries throw; what is left is memory running out.
    std::fprintf(stderr, "downwardfs: %s\n", e.what());
    return 1;
  }
}
