// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster_mount.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "base/daemonize.h"
#include "base/log.h"
#include "base/log_keys.h"
#include "base/sd_notify.h"
#include "base/text.h"
#include "cli/cluster_status.h"
#include "cli/mount_parts.h"
#include "cli/stop_signals.h"
#include "fs/cluster/cluster_tree.h"
#include "fs/cluster/mounted_tree.h"
#include "mount-helper/mount_point.h"
#include "sources/cluster_source.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;

// The command returns when everything is loaded, or after so long: the tree can be used while the
// rest comes in, and ..status says so.
constexpr milliseconds kLoadingLimit{3000};
constexpr milliseconds kProgressEvery{100};

// One line that is written over, where somebody watches.
class ProgressLine {
 public:
  ProgressLine() : shown_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const ClusterSource& source) const {
    if (!shown_) return;
    std::fprintf(stderr, "\r\033[Kdownwardfs: loading: %zu pods, %zu nodes", source.Pods().objects,
                 source.Nodes().objects);
    std::fflush(stderr);
  }
  void Clear() const {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

 private:
  const bool shown_;
};

// Nobody who waited for the command is told that it is mounted when a signal has come.
Status Load(const ClusterSource& source, const std::string& mount_point) {
  const ProgressLine progress;
  bool loaded = false;
  for (milliseconds waited{0}; waited < kLoadingLimit && !loaded; waited += kProgressEvery) {
    loaded = source.AwaitLoaded(kProgressEvery);
    if (source.Stopped()) {
      progress.Clear();
      return Fail(ErrorCode::kCancelled, "stopped by a signal; nothing is mounted");
    }
    if (!loaded) progress.Show(source);
  }
  if (loaded) return {};
  progress.Clear();
  std::fprintf(stderr, "downwardfs: %zu pods so far; the rest goes on loading (%s/..status)\n",
               source.Pods().objects, OneLine(mount_point).c_str());
  return {};
}

// Until it is mounted no longer or a signal arrives; the signal, or 0.
Result<int> WaitForTheEnd(const MountedTree& mount, int signals) {
  for (;;) {
    pollfd fds[] = {{signals, POLLIN, 0}, {mount.ended_fd(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return Fail(ErrnoError(errno, "poll"));
    signalfd_siginfo info = {};
    if (read(signals, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
    if (fds[1].revents != 0) return 0;
  }
}

MountedTreeOptions TreeMountOptions(const MountOptions& options, const MountPoint& mount_point,
                                    const ClusterStatus& status) {
  MountedTreeOptions out;
  out.mount_point = mount_point.path;
  out.directory = mount_point.directory.get();
  out.source = options.source_name.empty() ? "downwardfs:cluster" : options.source_name;
  // With the rights of who mounts a whole cluster is read: nobody else sees it unless told to.
  out.allow_other = options.allow_other && options.allow_other_given;
  out.selinux_context = options.selinux_context;
  out.status = [&status] { return status.Json(); };
  return out;
}

Result<int> ServeTree(const MountOptions& options, ReadinessPipe ready) {
  auto begun = BeginSingleMount(options);
  if (!begun) return Fail(std::move(begun.error()));
  MountPoint& mount_point = begun->place;
  const int signals = begun->signals.get();
  std::optional<StopAtOnce> reading(std::in_place);  // a kubeconfig may be a FIFO
  auto config = client::ResolveClusterConfig(options.source.server);
  reading.reset();
  auto access = OpenServer(std::move(config));
  if (!access) return Fail(std::move(access.error()));

  ClusterSource::Options follow;
  follow.namespaces = options.what.namespaces;
  follow.nodes = options.source.nodes;
  follow.wait = options.source.wait;
  follow.stop_fd = signals;
  auto source = ClusterSource::Make(*access, std::move(follow));
  if (!source) return Fail(std::move(source.error()));

  ClusterStatus status(mount_point.path, **source, options.what.namespaces);
  ClusterTree::Options shown;
  shown.uid = geteuid();
  shown.gid = getegid();
  shown.namespaces = options.what.namespaces;
  shown.status = [&status] { return status.Json(); };
  ClusterTree tree(**source, std::move(shown));
  // Ends before the tree, which it tells of every change.
  const auto following = (*source)->Start(
      [&tree](const ObjectPtr& before, const ObjectPtr& after) { tree.Follow(before, after); });
  if (auto answered = (*source)->AwaitAnswer(); !answered) return Fail(std::move(answered.error()));

  auto loop = SessionLoop::Start(kServingThreads);
  if (!loop) return Fail(std::move(loop.error()));
  LanePool lanes;
  auto mount =
      MountedTree::Mount(TreeMountOptions(options, mount_point, status), tree, **loop, lanes);
  if (!mount) return Fail(std::move(mount.error()));
  status.Attach(&tree, mount->get());
  // Before the mount goes, on every way out.
  const auto detach = [](ClusterStatus* shown_by) { shown_by->Attach(nullptr, nullptr); };
  const std::unique_ptr<ClusterStatus, decltype(detach)> attached(&status, detach);
  if (auto done = Load(**source, mount_point.path); !done) return Fail(std::move(done.error()));
  if (auto done = ready.Ready(); !done) return Fail(std::move(done.error()));
  NotifySystemd("READY=1");
  // Held any longer, the file system below could not be unmounted.
  mount_point.directory.Reset();
  LogInfo("mounted", {{log_keys::kMountPoint, mount_point.path},
                      {log_keys::kSource, (*source)->State().description}});
  return EndSingleMount(mount_point.path, WaitForTheEnd(**mount, signals));
}

}  // namespace

Result<int> RunClusterMount(const MountOptions& options) {
  return ServeInBackground(
      options, [&](ReadinessPipe ready) { return ServeTree(options, std::move(ready)); });
}

}  // namespace downwardfs
