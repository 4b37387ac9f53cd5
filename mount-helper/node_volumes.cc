// SPDX-License-Identifier: Apache-2.0
// The mounter's work on volumes: mount, unmount, and find out that a mount is gone
// (node_mounter.h).
#include <syslog.h>

#include <cerrno>
#include <set>
#include <utility>

#include "base/system_log.h"
#include "base/text.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/node_mounter.h"
#include "mount-helper/publisher_process.h"
#include "mount-helper/subpath_mounts.h"

namespace downwardfs {
namespace {

// The mount that is on top at `path`; null if nothing is mounted there.
const MountEntry* FindOnTop(const std::vector<MountEntry>& mounts, const std::string& path) {
  const MountEntry* top = nullptr;
  for (const MountEntry& mount : mounts) {
    if (mount.mount_point == path) top = &mount;
  }
  return top;
}

}  // namespace

bool NodeMounter::IsAt(const std::string& id, const std::string& path) const {
  const auto volume = volumes_.find(id);
  return volume != volumes_.end() && volume->second.path == path;
}

void NodeMounter::Forget(const std::string& id) {
  const auto volume = volumes_.find(id);
  if (volume == volumes_.end()) return;
  own_->Remove(volume->second.file_system);
  volumes_.erase(volume);
}

// Makes sure that nothing is mounted at the place. A mount of ours that an earlier mounter and its
// daemon have left is dead, because nobody has its device, and is detached. Any other mount stays.
Status NodeMounter::ClearPlace(const VolumePlace& place, bool ours_may_be_there) {
  auto path = place.RealPath();
  if (!path) return Fail(std::move(path.error()));
  for (;;) {
    // The table has a line for every volume of the node, so it is read only if there is no other
    // way.
    const auto there = place.MountedThere();
    if (there && there->empty()) return {};
    if (there && ours_may_be_there && own_->Has(*there)) {
      if (auto done = place.Detach(); !done) return done;
      continue;
    }
    const auto mounts = watch_->Read();
    if (!mounts) return Fail(ErrorCode::kInternal, "the mount table cannot be read");
    const MountEntry* const top = FindOnTop(*mounts, *path);
    if (top == nullptr) return {};
    if (!IsDownwardfs(*top) || !ours_may_be_there) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "target_path " + QuoteForMessage(*path) + ": " + top->fs_type +
                      " is mounted there, which is not this volume's");
    }
    if (auto done = place.Detach(); !done) return done;
  }
}

// The volume comes anew, so what the kubelet has bound of it before is dead. The volume is good
// without that too: what cannot be detached stays, as without us.
void NodeMounter::ClearSubpaths(const std::string& path) {
  if (!HasSubpaths(options_.kubelet_dir, path)) return;
  const auto mounts = watch_->Read();
  if (!mounts) return;
  const auto dead = FindDeadSubpaths(*mounts, options_.kubelet_dir, path, *own_);
  if (dead.empty()) return;
  if (auto done = DetachSubpaths(dead); !done) {
    SystemLog(LOG_WARNING, "downwardfs: %s: a dead mount of a subPath stays: %s",
              OneLine(path).c_str(), OneLine(done.error().message).c_str());
    return;
  }
  SystemLog(LOG_INFO, "downwardfs: %s: %zu dead mounts of subPaths are detached",
            OneLine(path).c_str(), dead.size());
}

// The daemon may ask again for what we have, since our answer may never have reached it; that needs
// no room.
Status NodeMounter::CheckRoom(const message::MountVolume& request) const {
  if (IsAt(request.id, request.path)) return {};
  const std::string who = "volume " + QuoteForMessage(request.id, kLongestVolumeId);
  if (request.id.size() > kLongestVolumeId) {
    return Invalid(who + ": the id is longer than " + std::to_string(kLongestVolumeId) + " bytes");
  }
  for (const auto& [id, volume] : volumes_) {
    if (id != request.id && (volume.path != request.path || !volume.mounted)) continue;
    return Fail(ErrorCode::kAlreadyExists,
                "volume " + id + ": is mounted already, at " + QuoteForMessage(volume.path));
  }
  if (volumes_.size() < most_volumes_) return {};
  return Fail(ErrorCode::kResourceExhausted, who + ": there are " +
                                                 std::to_string(volumes_.size()) +
                                                 " volumes on this node, the most that there may "
                                                 "be");
}

Result<FuseMount> NodeMounter::Mount(const message::MountVolume& request) {
  const std::string& id = request.id;
  if (auto room = CheckRoom(request); !room) return Fail(std::move(room.error()));
  const bool again = IsAt(id, request.path);
  auto memory = HandoverMemory::Map(request.memory.get());
  if (!memory) return Fail(std::move(memory.error()));
  OwnedFd kept_memory = Duplicate(request.memory);
  if (!kept_memory) return Fail(ErrnoError(errno, "volume " + id));
  auto place = VolumePlace::Open(options_.kubelet_dir, request.path);
  if (!place) return Fail(std::move(place.error()));
  if (auto ours = place->CheckOwner(options_.driver); !ours) return Fail(std::move(ours.error()));
  if (auto clear = ClearPlace(*place, again || request.replace); !clear) {
    return Fail(std::move(clear.error()));
  }
  if (again) {
    Forget(id);
    SayDetached(id);
  }
  if (again || request.replace) ClearSubpaths(request.path);
  auto target = place->OpenTarget();
  if (!target) return Fail(std::move(target.error()));
  FuseMountOptions options;
  options.mount_point = request.path;
  options.directory = target->get();
  options.uncovered = false;  // nobody else mounts there, and the table has a line for each volume
  options.source = request.source;
  options.allow_other = true;
  options.selinux_context = request.selinux_context;
  auto mount = MountFuse(options);
  if (!mount) {
    static_cast<void>(place->RemoveTarget());
    return Fail(std::move(mount.error()));
  }
  mount->id = id;
  mount->memory = std::move(kept_memory);
  own_->Add(mount->file_system);
  return CopyOf(volumes_[id] = std::move(*mount));
}

Status NodeMounter::Unmount(const message::UnmountVolume& request) {
  auto place = VolumePlace::Open(options_.kubelet_dir, request.path);
  const bool absent = !place && place.error().code == ErrorCode::kNotFound;
  if (!place && !absent) return Fail(std::move(place.error()));
  // Under the kubelet's directory a place is ours if the kubelet says so. Elsewhere only a place
  // that the daemon or we know.
  const bool known = IsAt(request.id, request.path);
  const bool ours = known || request.ours || !options_.kubelet_dir.empty();
  if (!absent && !known) {
    auto owner = place->CheckOwner(options_.driver);
    // With no record and no target there is nothing to do, and nothing to refuse.
    if (!owner && (owner.error().code == ErrorCode::kPermissionDenied || place->Exists())) {
      return owner;
    }
  }
  if (!absent) {
    if (auto clear = ClearPlace(*place, ours); !clear) return Fail(std::move(clear.error()));
    if (ours) {
      if (auto removed = place->RemoveTarget(); !removed) return Fail(std::move(removed.error()));
    }
  }
  if (known) Forget(request.id);
  return {};
}

// The process ends with its connection.
Result<OwnedFd> NodeMounter::StartPublisher() {
  if (publishers_.size() >= kMostPublishers) {
    return Fail(ErrorCode::kResourceExhausted,
                "there are " + std::to_string(publishers_.size()) +
                    " publisher's processes, the most that there may be");
  }
  auto process = PublisherProcess::StartShared(*own_);
  if (!process) return Fail(std::move(process.error()));
  publishers_.insert(process->pid());
  return process->Connect();
}

void NodeMounter::CheckMounts() {
  check_at_ = Clock::time_point::max();
  const auto mounts = watch_->Read();
  if (!mounts) return;
  std::set<std::string> present;
  for (const MountEntry& mount : *mounts) present.insert(mount.device);
  for (auto& [id, volume] : volumes_) {
    if (!volume.mounted || present.count(volume.file_system) != 0) continue;
    volume.mounted = false;
    // Without this it would live on: the view is a mount too, in no table.
    volume.view.Reset();
    own_->Remove(volume.file_system);
    SayDetached(id);
  }
}

}  // namespace downwardfs
