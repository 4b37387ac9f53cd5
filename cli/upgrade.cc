// SPDX-License-Identifier: Apache-2.0
// `downwardfs upgrade`: tells the holder to start itself and the daemon anew, and waits until the
// new daemon serves.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/ask_status.h"
#include "cli/commands.h"

namespace downwardfs {
namespace {

constexpr std::chrono::seconds kPatience{30};

struct Serving {
  int holder = 0;
  std::uint64_t generation = 0;
  std::string version;
};

Result<Serving> AskWhoServes(const std::string& mount_point) {
  auto status = AskStatus(mount_point);
  if (!status) return Fail(std::move(status.error()));
  const auto json = nlohmann::json::parse(*status, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Fail(ErrorCode::kInternal, mount_point + ": unreadable status");
  Serving serving;
  const auto holder = json.find("holderPid");
  if (holder != json.end() && holder->is_number_integer()) serving.holder = holder->get<int>();
  serving.generation = json.value("generation", std::uint64_t{0});
  serving.version = json.value("version", "");
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
  if (kill(before->holder, SIGUSR2) != 0) {
    return Fail(ErrnoError(errno, "holder " + std::to_string(before->holder)));
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    auto now = AskWhoServes(options.mount_point);
    if (now && now->generation > before->generation) {
      std::printf("downwardfs %s serves %s\n", now->version.c_str(), options.mount_point.c_str());
      return 0;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Fail(ErrorCode::kDeadlineExceeded,
              options.mount_point + ": no new daemon within 30 s (see the system's log)");
}

}  // namespace downwardfs
