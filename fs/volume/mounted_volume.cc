// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/mounted_volume.h"

#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "fs/fuse/kernel_features.h"
#include "fs/fuse/kernel_session.h"
#include "fs/volume/served_volume.h"
#include "fs/volume/tree_caller.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/mount_table.h"

namespace downwardfs {
namespace {

constexpr std::uint32_t kModesOfWritableMount = 07755;
// The kernel asks at once, and a serving thread reads it; on a busy machine that takes longer.
constexpr std::chrono::seconds kInitPatience{2};

}  // namespace

// On the lane, each step at its time.
void MountedVolume::FinishLater(const std::shared_ptr<ServedVolume>& state,
                                const Lane::Poster& lane, VolumeUpdate::Later later) {
  if (!later.task) return;
  const auto due = std::chrono::steady_clock::now() + later.after;
  lane.PostAt(due, [state, lane, task = std::move(later.task)] {
    FinishLater(state, lane, task());
    auto look = state->update->TakeSecondLook();
    if (!look) return;
    lane.PostAt(std::chrono::steady_clock::now() + VolumeUpdate::kSecondLook,
                [state, look = std::move(look)] { look(); });
  });
}

MountedVolume::MountedVolume(std::shared_ptr<ServedVolume> state) : state_(std::move(state)) {}

MountedVolume::~MountedVolume() {
  Unmount();
}

Status MountedVolume::MountAsRoot(ServedVolume& state) {
  auto mount = MountFuse(state.options);
  if (!mount) return Fail(std::move(mount.error()));
  state.mount_id = mount->mount_id;
  state.file_system = std::move(mount->file_system);
  auto session = KernelSession::Attach(std::move(mount->device), state.context);
  if (!session) {
    static_cast<void>(RemoveMount(state.mount_id, state.file_system, MNT_DETACH));
    return Fail(std::move(session.error()));
  }
  state.session = std::move(*session);
  std::shared_ptr<TreeCaller> caller;
  if (mount->view) caller = std::make_shared<LocalTreeCaller>(std::move(mount->view));
  state.SetUpUpdates("", std::move(caller));
  return {};
}

Status MountedVolume::MountAsUser(ServedVolume& state) {
  if (!state.options.selinux_context.empty()) {
    return Fail(ErrorCode::kPermissionDenied, "--selinux-context: only root may set it");
  }
  auto session = KernelSession::MountAsUser(
      {state.options.mount_point, state.options.source, state.options.allow_other}, state.context);
  if (!session) return Fail(std::move(session.error()));
  state.session = std::move(*session);
  auto mount = FindMount(state.options.mount_point);
  std::string device = mount && *mount ? (*mount)->device : "";
  state.SetUpUpdates(std::move(device), nullptr);
  return {};
}

Result<std::unique_ptr<MountedVolume>> MountedVolume::Mount(MountedVolumeOptions options,
                                                            VolumeVersionPtr version,
                                                            std::string resource_version,
                                                            SessionLoop& loop, LanePool& lanes) {
  const bool as_root = geteuid() == 0;
  if (!as_root) options.ownership.file_modes = kModesOfWritableMount;
  auto state = std::make_shared<ServedVolume>(std::move(options));
  if (!state->ended) return Fail(ErrnoError(errno, "eventfd"));
  state->ShowFirst(std::move(version), std::move(resource_version));
  auto mounted = as_root ? MountAsRoot(*state) : MountAsUser(*state);
  if (!mounted) return Fail(std::move(mounted.error()));
  return Serve(state, loop, lanes);
}

Result<std::unique_ptr<MountedVolume>> MountedVolume::MountHeld(
    MountedVolumeOptions options, VolumeVersionPtr version, std::string resource_version,
    std::shared_ptr<const HandoverMemory> memory, const std::function<Result<FuseMount>()>& mount,
    SessionLoop& loop, LanePool& lanes) {
  auto state = std::make_shared<ServedVolume>(std::move(options));
  if (!state->ended) return Fail(ErrnoError(errno, "eventfd"));
  if (auto done = state->SetUpRecovery(std::move(memory), /*resumes=*/false); !done)
    return Fail(std::move(done.error()));
  state->ShowFirst(std::move(version), std::move(resource_version));
  auto held = mount();
  if (!held) return Fail(std::move(held.error()));
  auto caller = state->MakeCaller(*held);
  auto session = KernelSession::Attach(std::move(held->device), state->context);
  if (!session) return Fail(std::move(session.error()));
  state->session = std::move(*session);
  state->TakeHeld(held->mount_id, std::move(caller));
  return Serve(state, loop, lanes);
}

Result<std::unique_ptr<MountedVolume>> MountedVolume::Resume(
    MountedVolumeOptions options, std::shared_ptr<const HandoverMemory> memory, FuseMount mount,
    SessionLoop& loop, LanePool& lanes) {
  auto state = std::make_shared<ServedVolume>(std::move(options));
  if (!state->ended) return Fail(ErrnoError(errno, "eventfd"));
  if (auto done = state->SetUpRecovery(std::move(memory), /*resumes=*/true); !done)
    return Fail(std::move(done.error()));
  auto caller = state->MakeCaller(mount);
  auto session = KernelSession::Resume(std::move(mount.device), state->context,
                                       state->options.resend, mount.poison);
  if (!session) return Fail(std::move(session.error()));
  state->session = std::move(*session);
  state->TakeHeld(mount.mount_id, std::move(caller));
  auto volume = Serve(state, loop, lanes);
  if (!volume) return volume;
  const auto lane = (*volume)->lane_->poster();
  lane.Post([state, lane] { FinishLater(state, lane, state->update->Resume()); });
  return volume;
}

Result<std::unique_ptr<MountedVolume>> MountedVolume::Serve(
    const std::shared_ptr<ServedVolume>& state, SessionLoop& loop, LanePool& lanes) {
  std::unique_ptr<MountedVolume> volume(new MountedVolume(state));
  volume->loop_ = &loop;
  volume->lane_ = lanes.NewLane(state->options.lane_owner);
  if (state->held) {
    volume->copies_ = lanes.NewLane();
    state->shown->CopyLater(
        [weak = std::weak_ptr<ServedVolume>(state), lane = volume->copies_->poster()] {
          lane.Post([weak] {
            if (const auto volume_state = weak.lock()) volume_state->shown->CopyRecords();
          });
        });
  }
  // Has the kernel read the page again. The state owns this function, so it must not own the state.
  state->context.refused_write = [weak = std::weak_ptr<ServedVolume>(state),
                                  lane = volume->lane_->poster()](InodeId inode) {
    lane.Post([weak, inode] {
      if (const auto volume_state = weak.lock()) volume_state->session->InvalidateInode(inode);
    });
  };
  // The loop holds the whole state by its session.
  auto served = loop.Add(std::shared_ptr<KernelSession>(state, state->session.get()),
                         [state = state.get()] { eventfd_write(state->ended.get(), 1); });
  if (!served) return Fail(std::move(served.error()));
  volume->served_ = *served;
  return volume;
}

void MountedVolume::Publish(VolumeVersionPtr version, std::string resource_version) {
  {
    MutexLock lock(state_->mutex);
    const bool queued = state_->pending.has_value();
    state_->pending = ServedVolume::Pending{std::move(version), std::move(resource_version)};
    if (queued) return;
  }
  const auto lane = lane_->poster();
  lane.Post([state = state_, lane] { FinishLater(state, lane, state->ShowPending()); });
}

void MountedVolume::SetResourceVersion(std::string resource_version) {
  MutexLock lock(state_->mutex);
  if (state_->pending) {
    state_->pending->resource_version = std::move(resource_version);
  } else {
    state_->shown->SetResourceVersion(std::move(resource_version));
  }
}

void MountedVolume::SetFsGroup(std::optional<std::uint32_t> group) {
  Ownership ownership = state_->options.ownership;
  ownership.fs_group = group;
  lane_->poster().Post([state = state_, known = state_->shown->SetOwnership(ownership)] {
    for (const InodeId inode : known) state->notify().InvalidateInode(inode);
  });
}

int MountedVolume::ended_fd() const {
  return state_->ended.get();
}

int MountedVolume::mount_id() const {
  return state_->mount_id;
}

const std::string& MountedVolume::file_system() const {
  return state_->file_system;
}

void MountedVolume::GoOnAlone() {
  if (!state_->remote) return;
  state_->remote->GoOnAlone();
  const auto lane = lane_->poster();
  lane.Post([state = state_, lane] {
    FinishLater(state, lane, state->update->Resume());
    FinishLater(state, lane, state->ShowPending());
  });
}

bool MountedVolume::lost_its_helpers() const {
  return state_->remote && !state_->remote->raises_events();
}

bool MountedVolume::has_writable_view() const {
  return state_->tree->reachable();
}

bool MountedVolume::raises_events() const {
  return has_writable_view() && !lost_its_helpers();
}

void MountedVolume::Detach() {
  state_->gone = true;
  state_->tree->DropView();
}

void MountedVolume::Unmount() {
  if (std::exchange(unmounted_, true)) return;
  lane_.reset();  // its tasks need the loop
  copies_.reset();
  if (state_->held) {
    loop_->Remove(served_);
    state_->tree->DropView();
    state_->session->Close();
    return;
  }
  if (state_->mount_id < 0) {
    loop_->Remove(served_);
    state_->tree->DropView();
    state_->session->UnmountAsUser();
    return;
  }
  // The name goes first, so that nobody finds a volume that is not served.
  if (!state_->gone) {
    static_cast<void>(RemoveMount(state_->mount_id, state_->file_system, MNT_FORCE | MNT_DETACH));
  }
  loop_->Remove(served_);
  state_->tree->DropView();
  // Not left to the state's end: tasks that wait for their time, or hang, own it too.
  state_->session->Close();
}

VolumeVersionPtr MountedVolume::shown() const {
  return state_->shown->CurrentVersion();
}

VolumeStats MountedVolume::stats() const {
  return state_->shown->GetStats();
}

std::map<std::string, std::uint64_t> MountedVolume::requests() const {
  return state_->counters.Snapshot();
}

std::uint64_t MountedVolume::without_events() const {
  return state_->update->without_events();
}

bool MountedVolume::stuck() const {
  return lane_ && lane_->stuck();
}

bool MountedVolume::held_back() const {
  return lane_ && lane_->held_back();
}

bool MountedVolume::allows_idmap() const {
  return state_->context.init_reply.allows_idmap();
}

std::string MountedVolume::DescribeShortfall() const {
  const auto deadline = std::chrono::steady_clock::now() + kInitPatience;
  const auto offered = state_->context.init_reply.AwaitOffered(deadline);
  if (!offered) return "";
  utsname kernel = {};
  uname(&kernel);
  return downwardfs::DescribeShortfall(*offered, kernel.release, state_->live != nullptr);
}

}  // namespace downwardfs
