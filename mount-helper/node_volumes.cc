// SPDX-License-Identifier: Apache-2.0
// What a mounter does to volumes (node_mounter.h).
#include <set>
#include <utility>

#include "base/text.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/handover_memory.h"
#include "mount-helper/node_mounter.h"
#include "mount-helper/publisher_process.h"

namespace downwardfs {
namespace {

// The mount that is on top at `path`; null where there is none.
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

// Makes sure that nothing is mounted at the place. Of ours, what another mounter and its daemon
// have left is dead: nobody has its device. Something else is somebody's.
Status NodeMounter::ClearPlace(const VolumePlace& place, bool ours_may_be_there) {
  auto path = place.RealPath();
  if (!path) return Fail(std::move(path.error()));
  for (;;) {
    // The table has a line for every volume of the node; it is read where it must be.
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

Result<Message> NodeMounter::Mount(const Message& request) {
  const auto fields = SplitFields(request.text);
  if (fields.size() < 3 || fields[0].empty() || request.fds.size() != 1) {
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a request to mount");
  }
  const std::string& id = fields[0];
  // What the daemon asks for is what is to be: the answer to a mount before may never have reached
  // it.
  const bool again = IsAt(id, fields[1]);
  if (!again && volumes_.count(id) != 0) {
    return Fail(ErrorCode::kAlreadyExists,
                "volume " + id + ": is mounted already, at " + QuoteForMessage(volumes_[id].path));
  }
  auto memory = HandoverMemory::Map(request.fds[0].get());
  if (!memory) return Fail(std::move(memory.error()));
  auto place = VolumePlace::Open(options_.kubelet_dir, fields[1]);
  if (!place) return Fail(std::move(place.error()));
  if (auto clear = ClearPlace(*place, again || request.number(1) != 0); !clear) {
    return Fail(std::move(clear.error()));
  }
  if (again) {
    Forget(id);
    SayDetached(id);
  }
  auto target = place->OpenTarget();
  if (!target) return Fail(std::move(target.error()));
  FuseMountOptions options;
  options.mount_point = fields[1];
  options.directory = target->get();
  options.source = fields[2];
  options.allow_other = true;
  if (fields.size() > 3) options.selinux_context = fields[3];
  auto mount = MountFuse(options);
  if (!mount) {
    static_cast<void>(place->RemoveTarget());
    return Fail(std::move(mount.error()));
  }
  HeldVolume& volume = volumes_[id];
  volume.path = fields[1];
  volume.file_system = mount->file_system;
  volume.device = std::move(mount->device);
  volume.view = std::move(mount->view);
  volume.memory = Duplicate(request.fds[0]);
  own_->Add(volume.file_system);
  Message done;
  done.text = volume.file_system;
  done.fds.push_back(Duplicate(volume.device));
  if (volume.view) done.fds.push_back(Duplicate(volume.view));
  return done;
}

Result<Message> NodeMounter::Unmount(const Message& request) {
  const auto fields = SplitFields(request.text);
  if (fields.size() != 2) {
    return Fail(ErrorCode::kInvalidArgument, "holder channel: not a request to unmount");
  }
  auto place = VolumePlace::Open(options_.kubelet_dir, fields[1]);
  const bool absent = !place && place.error().code == ErrorCode::kNotFound;
  if (!place && !absent) return Fail(std::move(place.error()));
  // Of the kubelet's places all are ours. Elsewhere, only what the daemon knows, or we do.
  const bool known = IsAt(fields[0], fields[1]);
  const bool ours = known || request.number(1) != 0 || !options_.kubelet_dir.empty();
  if (!absent) {
    if (auto clear = ClearPlace(*place, ours); !clear) return Fail(std::move(clear.error()));
    if (ours) {
      if (auto removed = place->RemoveTarget(); !removed) return Fail(std::move(removed.error()));
    }
  }
  if (known) Forget(fields[0]);
  return Message();
}

Result<Message> NodeMounter::StartWorker() {
  auto process = PublisherProcess::StartShared(*own_);
  if (!process) return Fail(std::move(process.error()));
  auto connection = process->Connect();
  if (!connection) return Fail(std::move(connection.error()));
  Message done;
  done.fds.push_back(std::move(*connection));
  return done;  // it ends with its connection
}

Result<Message> NodeMounter::Look(const Message& request) const {
  Message done;
  done.numbers = {PodDirectoryExists(options_.kubelet_dir, request.text) ? 1u : 0u};
  return done;
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
