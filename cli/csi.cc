// SPDX-License-Identifier: Apache-2.0
// `downwardfs csi`: becomes the supervisor of `downwardfs-csi`, which has gRPC and so stays out of
// this program. --probe becomes that program itself.
#include "base/process.h"
#include "cli/commands.h"
#include "cli/csi_flags.h"
#include "cli/own_programs.h"
#include "mount-helper/unix_socket.h"

namespace downwardfs {

Result<int> RunCsi(const CsiOptions& given) {
  KeepOwnersRights();
  CsiOptions options = given;
  FillInCsiPaths(options);
  auto socket = SocketPath(options.endpoint);
  if (!socket) return Fail(std::move(socket.error()));
  auto daemon = FindOwnProgram("downwardfs-csi");
  if (!daemon) return Fail(std::move(daemon.error()));
  std::vector<std::string> words;
  if (!options.probe) {
    auto holder = FindOwnProgram("downwardfs-holder");
    if (!holder) return Fail(std::move(holder.error()));
    words.push_back(*holder);
    if (!options.holder_socket.empty()) {
      words.insert(words.end(), {"--attach", options.holder_socket});
    } else {
      words.insert(words.end(), {"--own", "--endpoint", *socket});
      if (!options.kubelet_dir.empty()) {
        words.insert(words.end(), {"--kubelet-dir", options.kubelet_dir});
      }
      if (!options.registration.empty()) {
        words.insert(words.end(), {"--registration", options.registration});
      }
      words.insert(words.end(), {"--driver-name", options.driver_name});
    }
    words.insert(words.end(), {"--watchdog", std::to_string(options.watchdog_ms)});
    if (!options.resend) words.emplace_back("--no-resend");
    if (!options.run_as.empty()) words.insert(words.end(), {"--run-as", options.run_as});
    words.emplace_back("--");
  }
  words.push_back(*daemon);
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  auto failed = ExecProgram(words);
  return Fail(std::move(failed.error()));
}

}  // namespace downwardfs
