// SPDX-License-Identifier: Apache-2.0
// `downwardfs upgrade`: tells the holder to start itself and the daemon anew, and waits until the
// new daemon serves.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "cli/ask_status.h"
#include "cli/commands.h"
#include "cli/status_answer.h"
#include "mount-helper/holder_process.h"

namespace downwardfs {
namespace {

constexpr std::chrono::seconds kPatience{30};

struct Serving {
  MountEntry mount;
  int holder = 0;
  std::uint64_t generation = 0;
  std::string version;
};

Result<Serving> AskWhoServes(const std::string& mount_point) {
  auto status = AskStatus(mount_point);
  if (!status) return Fail(std::move(status.error()));
  const auto found = ParseStatus(mount_point, *status);
  if (!found) return Fail(found.error());
  Serving serving;
  serving.mount = std::move(status->mount);
  // Any member may be of any type: nothing proves yet that these are the words of our daemon.
  if (const auto holder = found->find("holderPid"); holder != found->end()) {
    if (holder->is_number_integer()) serving.holder = holder->get<int>();
  }
  if (const auto number = found->find("generation"); number != found->end()) {
    if (number->is_number_unsigned()) serving.generation = number->get<std::uint64_t>();
  }
  if (const auto version = found->find("version"); version != found->end()) {
    if (version->is_string()) serving.version = OneLine(version->get<std::string>());
  }
  return serving;
}

}  // namespace

Result<int> RunUpgrade(const UpgradeOptions& options) {
  auto before = AskWhoServes(options.mount_point);
  if (!before) return Fail(std::move(before.error()));
  if (before->holder <= 1) {
    return Fail(ErrorCode::kFailedPrecondition,
                options.mount_point +
                    ": one process alone serves this mount; unmount it and mount "
                    "it again");
  }
  if (geteuid() != 0) {
    return Fail(ErrorCode::kPermissionDenied, options.mount_point + ": only root may upgrade it");
  }
  const auto holder = HolderProcess::Prove(before->holder, before->mount);
  if (!holder) return Fail(holder.error(), options.mount_point);
  if (auto sent = holder->Signal(SIGUSR2); !sent) {
    return Fail(std::move(sent.error()), options.mount_point);
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    auto now = AskWhoServes(options.mount_point);
    if (now && now->generation > before->generation) {
      std::printf("downwardfs %s serves %s\n", now->version.c_str(),
                  OneLine(options.mount_point).c_str());
      return 0;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Fail(ErrorCode::kDeadlineExceeded,
              options.mount_point + ": no new daemon within 30 s (see the system's log)");
}

}  // namespace downwardfs
