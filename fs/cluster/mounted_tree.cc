// SPDX-License-Identifier: Apache-2.0
#include "fs/cluster/mounted_tree.h"

#include <sys/eventfd.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "base/owned_fd.h"
#include "fs/fuse/kernel_session.h"
#include "mount-helper/fuse_mount.h"
#include "mount-helper/mount_identity.h"

namespace downwardfs {
namespace {

constexpr std::size_t kLanes = 8;

}  // namespace

struct MountedTree::State {
  State(const MountedTreeOptions& opts, ClusterTree& tree) : options(opts) {
    context.file_system = &tree;
    context.counters = &counters;
    context.status = options.status;
  }

  Status Mount();

  const MountedTreeOptions options;
  RequestCounters counters;
  SessionContext context;
  std::unique_ptr<KernelSession> session;
  bool as_root = false;
  int mount_id = -1;
  std::string file_system;
  // It is mounted no longer: what is at the mount point now is another's.
  std::atomic<bool> gone{false};
  OwnedFd ended{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

Status MountedTree::State::Mount() {
  if (!ended) return Fail(ErrnoError(errno, "eventfd"));
  as_root = geteuid() == 0;
  if (!as_root) {
    if (!options.selinux_context.empty()) {
      return Fail(ErrorCode::kPermissionDenied, "--selinux-context: only root may set it");
    }
    auto mounted = KernelSession::MountAsUser(
        {options.mount_point, options.source, options.allow_other, /*read_only=*/true}, context);
    if (!mounted) return Fail(std::move(mounted.error()));
    session = std::move(*mounted);
    return {};
  }
  auto mount = MountFuse(options);
  if (!mount) return Fail(std::move(mount.error()));
  mount_id = mount->mount_id;
  file_system = std::move(mount->file_system);
  auto attached = KernelSession::Attach(std::move(mount->device), context);
  if (!attached) {
    static_cast<void>(RemoveMount(mount_id, file_system, MNT_DETACH));
    return Fail(std::move(attached.error()));
  }
  session = std::move(*attached);
  return {};
}

MountedTree::MountedTree(std::shared_ptr<State> state, ClusterTree& tree, SessionLoop& loop)
    : state_(std::move(state)), tree_(tree), loop_(loop) {}

MountedTree::~MountedTree() {
  Unmount();
}

Result<std::unique_ptr<MountedTree>> MountedTree::Mount(const MountedTreeOptions& options,
                                                        ClusterTree& tree, SessionLoop& loop,
                                                        LanePool& lanes) {
  auto state = std::make_shared<State>(options, tree);
  if (auto mounted = state->Mount(); !mounted) return Fail(std::move(mounted.error()));
  std::unique_ptr<MountedTree> mount(new MountedTree(state, tree, loop));
  std::vector<Lane::Poster> posters;
  for (std::size_t i = 0; i < kLanes; ++i) {
    mount->lanes_.push_back(lanes.NewLane());
    posters.push_back(mount->lanes_.back()->poster());
  }
  tree.SetNotice([state, posters](InodeId directory, const std::string& name) {
    posters[directory % kLanes].Post(
        [state, directory, name] { state->session->InvalidateName(directory, name); });
  });
  auto served =
      loop.Add(std::shared_ptr<KernelSession>(state, state->session.get()), [ended = state.get()] {
        ended->gone = true;
        eventfd_write(ended->ended.get(), 1);
      });
  if (!served) return Fail(std::move(served.error()));
  mount->served_ = *served;
  return mount;
}

int MountedTree::ended_fd() const {
  return state_->ended.get();
}

void MountedTree::Unmount() {
  if (std::exchange(unmounted_, true)) return;
  tree_.SetNotice(nullptr);
  lanes_.clear();  // their tasks need the loop
  if (!state_->as_root) {
    loop_.Remove(served_);
    state_->session->UnmountAsUser();
    return;
  }
  if (!state_->gone) {
    static_cast<void>(RemoveMount(state_->mount_id, state_->file_system, MNT_FORCE | MNT_DETACH));
  }
  loop_.Remove(served_);
  state_->session->Close();
}

std::map<std::string, std::uint64_t> MountedTree::requests() const {
  return state_->counters.Snapshot();
}

bool MountedTree::stuck() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->stuck(); });
}

}  // namespace downwardfs
