// SPDX-License-Identifier: Apache-2.0
// The program `downwardfs` (cli/programs.h): parses the command line, runs one subcommand, maps
// errors to exit 1.
#include "cli/commands.h"
#include "cli/programs.h"
#include "cli/run_main.h"

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
    case CommandLine::Command::kAlive:
      return RunAlive(line.alive);
    case CommandLine::Command::kUmount:
      return RunUmount(line.umount);
    case CommandLine::Command::kUpgrade:
      return RunUpgrade(line.upgrade);
    case CommandLine::Command::kCsi:
      return RunCsi(line.csi);
  }
  return 1;
}

}  // namespace

int DownwardfsMain(int argc, char** argv) {
  return RunMain("downwardfs", [&] { return Run(ParseCommandLine(argc, argv)); });
}

}  // namespace downwardfs
