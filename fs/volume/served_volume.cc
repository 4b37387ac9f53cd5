// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/served_volume.h"

#include <utility>

#include "fs/volume/kubelet_update.h"
#include "fs/volume/live_update.h"

namespace downwardfs {

ServedVolume::ServedVolume(MountedVolumeOptions opts)
    : options(std::move(opts)), counters(options.all_requests) {
  context.counters = &counters;
  context.status = options.status;
  context.kernel_caches = options.kernel_caches;
}

void ServedVolume::MakeLayout(std::chrono::system_clock::time_point now) {
  if (shown != nullptr) return;
  if (options.layout == Layout::kLive) {
    live = std::make_unique<LiveLayout>(options.ownership, now);
    shown = live.get();
  } else {
    kubelet = std::make_unique<KubeletLayout>(options.ownership, now);
    shown = kubelet.get();
  }
  context.file_system = shown;
}

void ServedVolume::ShowFirst(VolumeVersionPtr version, std::string resource_version) {
  MakeLayout(version->created());
  if (live) {
    live->ShowNames(live->Stage(std::move(version), std::move(resource_version)));
  } else {
    kubelet->Show(kubelet->Stage(std::move(version), std::move(resource_version)));
  }
}

void ServedVolume::SetUpUpdates(std::string device, std::shared_ptr<TreeCaller> caller) {
  tree = std::make_unique<WritableView>(*shown, options.mount_point, std::move(device),
                                        std::move(caller));
  if (live) {
    update = std::make_unique<LiveUpdate>(*live, *tree, notify());
  } else {
    update = std::make_unique<KubeletUpdate>(*kubelet, *tree, notify());
  }
}

Status ServedVolume::SetUpRecovery(std::shared_ptr<const HandoverMemory> handed, bool resumes) {
  memory = std::move(handed);
  MakeLayout(std::chrono::system_clock::now());
  // The end of the reading is KernelSession::Resume()'s.
  if (auto begun = resumes ? memory->BeginReading() : Status(); !begun) return begun;
  auto log = std::make_unique<HandoverLog>(*memory);
  auto done = resumes ? shown->ResumeFrom(std::move(log)) : shown->UseLog(std::move(log));
  if (!done) return done;
  recovery = std::make_unique<RequestRecovery>(*memory, *shown);
  context.recovery = recovery.get();
  held = true;
  return {};
}

std::shared_ptr<TreeCaller> ServedVolume::MakeCaller(FuseMount& mount) const {
  if (options.make_caller) return options.make_caller(mount);
  if (!mount.publisher) return nullptr;
  return std::make_shared<RemoteTreeCaller>(std::move(mount.publisher));
}

void ServedVolume::TakeHeld(int id, std::shared_ptr<TreeCaller> caller) {
  mount_id = id;
  remote = std::move(caller);
  if (remote) notifier = std::make_unique<TreeNotifier>(remote, *session);
  SetUpUpdates("", remote);
}

VolumeUpdate::Later ServedVolume::ShowPending() {
  std::optional<Pending> next;
  {
    MutexLock lock(mutex);
    next = std::exchange(pending, std::nullopt);
  }
  if (!next) return {};
  auto rest = update->Show(next->version, next->resource_version);
  if (shown->CurrentVersion() != next->version) {
    // The publisher is lost: another daemon shows what is newest then, or GoOnAlone() does.
    MutexLock lock(mutex);
    if (!pending) pending = std::move(next);
  }
  return rest;
}

KernelNotifier& ServedVolume::notify() const {
  if (notifier) return *notifier;
  return *session;
}

}  // namespace downwardfs
