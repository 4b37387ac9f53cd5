// SPDX-License-Identifier: Apache-2.0
#include "cli/free_mount_point.h"

#include <sys/mount.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "cli/ask_status.h"
#include "cli/status_answer.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {
namespace {

// The other processes of a start end a moment after the one that was killed.
constexpr std::chrono::milliseconds kDeathTakes{2000};
constexpr std::chrono::milliseconds kLookAgain{20};

bool HasLostItsHolder(const std::string& path, const StatusAnswer& answer) {
  const auto status = ParseStatus(path, answer);
  if (!status) return false;
  const auto is = [&](const char* key, const nlohmann::json& value) {
    const auto member = status->find(key);
    return member != status->end() && *member == value;
  };
  // A mount that never had one raises events as long as it has a view.
  return is("holderPid", nullptr) && is("writableView", true) && is("changesBy", "notification");
}

}  // namespace

Result<MountPoint> FreeMountPoint(const std::string& path, bool over_mounts) {
  auto checked = OpenMountPoint(path, over_mounts);
  if (checked || checked.error().code != ErrorCode::kAlreadyExists) return checked;
  // stat(2) of a mount whose daemon is gone is answered from the kernel's caches for a year.
  const auto status = AskStatus(path);
  Error error = std::move(checked.error());
  if (status) {
    error.message +=
        "; `downwardfs status " + path + "` shows it, `downwardfs umount " + path + "` ends it";
  } else if (status.error().code == ErrorCode::kUnavailable) {
    error.message = "mount point " + path +
                    ": busy with a mount whose daemon is gone; `downwardfs umount " + path +
                    "` (--lazy where it is in use) unmounts it";
  } else if (status.error().code == ErrorCode::kDeadlineExceeded) {
    error.message +=
        ", and its daemon does not answer; `downwardfs umount --lazy " + path + "` unmounts it";
  }
  return Fail(std::move(error));
}

void RemoveLostMount(const MountPoint& place) {
  const int below = MountIdOf(place.directory.get());
  const auto deadline = std::chrono::steady_clock::now() + kDeathTakes;
  do {
    const auto top = FindMount(place.path);
    if (!top || !*top || !IsDownwardfs(**top) || (*top)->parent != below) return;
    const auto status = AskStatus(place.path);
    const bool dead = !status && status.error().code == ErrorCode::kUnavailable;
    if (dead || (status && HasLostItsHolder(place.path, *status))) {
      static_cast<void>(RemoveMount((*top)->id, (*top)->device, MNT_FORCE | MNT_DETACH));
      return;
    }
    std::this_thread::sleep_for(kLookAgain);
  } while (std::chrono::steady_clock::now() < deadline);
}

}  // namespace downwardfs
