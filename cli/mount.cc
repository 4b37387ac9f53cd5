// SPDX-License-Identifier: Apache-2.0
// `downwardfs mount`: checks everything, forks, mounts, serves until unmounted or signalled.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/daemonize.h"
#include "base/log_keys.h"
#include "base/process.h"
#include "base/sd_notify.h"
#include "cli/caller.h"
#include "cli/cluster_mount.h"
#include "cli/commands.h"
#include "cli/default_mount.h"
#include "cli/held_mount.h"
#include "cli/inputs.h"
#include "cli/launch_holder.h"
#include "cli/mount_namespace.h"
#include "cli/mount_parts.h"
#include "cli/stop_signals.h"
#include "mount-helper/mount_point.h"
#include "mount-helper/mount_watch.h"

namespace downwardfs {
namespace {

// With fewer a start may fail half-way; with a server and a holder about 40 are open.
constexpr int kDescriptorsOfAMount = 64;

// Waits until the volume is mounted no longer or a stop signal arrives; returns the signal, or 0.
Result<int> WaitForTheEnd(MountedVolume& volume, int signals) {
  auto watch = MountWatch::Open();
  if (!watch) return Fail(std::move(watch.error()));
  bool attached = volume.mount_id() >= 0;
  for (;;) {
    pollfd fds[3] = {{signals, POLLIN, 0},
                     {volume.ended_fd(), POLLIN, 0},
                     {attached ? watch->fd() : -1, POLLPRI, 0}};
    if (attached && !watch->IsMounted(volume.mount_id(), volume.file_system())) {
      volume.Detach();
      attached = false;
      continue;
    }
    if (poll(fds, 3, -1) < 0 && errno != EINTR) return Fail(ErrnoError(errno, "poll"));
    signalfd_siginfo info = {};
    if (read(signals, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
    if (fds[1].revents != 0) return 0;
  }
}

// Runs in the process that stays: the child, or with -f the only one.
Result<int> ServeVolume(const MountOptions& options, ReadinessPipe ready) {
  auto begun = BeginSingleMount(options);
  if (!begun) return Fail(std::move(begun.error()));
  MountPoint& mount_point = begun->place;
  const int signals = begun->signals.get();
  // Waiting for a server may take long, so it ends with a signal; what is not read there waits for
  // the end of the mount.
  Usage usage{/*follow=*/true, signals};
  usage.stop_reading = true;
  auto inputs = OpenInputs(options.source, options.what, std::move(usage));
  CloseInputDescriptors(options);
  if (!inputs) return Fail(std::move(inputs.error()));
  if (auto valid = CheckView(*inputs, signals); !valid) return Fail(std::move(valid.error()));

  MountStatus status(mount_point.path);
  status.Attach(*inputs->source, inputs->pod, inputs->view);
  MountedVolumeOptions volume = VolumeOptions(options, mount_point.path, status, /*held=*/false);
  volume.directory = mount_point.directory.get();
  volume.source = SourceName(options, *inputs);
  ServedMount served;
  auto loop = SessionLoop::Start(kServingThreads);
  if (!loop) return Fail(std::move(loop.error()));
  served.loop = std::move(*loop);
  auto started =
      StartUpdates(served, *inputs, [&](VolumeVersionPtr version, std::string resource_version) {
        return MountedVolume::Mount(volume, std::move(version), std::move(resource_version),
                                    *served.loop, served.lanes);
      });
  if (!started) return Fail(std::move(started.error()));
  status.AttachVolume(served.volume.get(), served.updater.get());

  SayShortfalls(*served.volume);
  if (auto done = ready.Ready(); !done) return Fail(std::move(done.error()));
  NotifySystemd("READY=1");
  // Held any longer, the file system below could not be unmounted.
  mount_point.directory.Reset();
  LogInfo("mounted", {{log_keys::kMountPoint, mount_point.path},
                      {log_keys::kPod, inputs->pod.ns + "/" + inputs->pod.name},
                      {log_keys::kSource, inputs->source->State().description}});
  auto signal = WaitForTheEnd(*served.volume, signals);
  status.AttachVolume(nullptr, nullptr);
  return EndSingleMount(mount_point.path, std::move(signal));
}

}  // namespace

Result<int> RunMount(const MountOptions& given) {
  KeepOwnersRights();
  MountOptions options = given;
  if (auto done = ResolveInputs(options); !done) return Fail(std::move(done.error()));
  // Of a holder the daemon gets nothing else.
  if (!HasHolder()) {
    LeaveCaller(options);
    RaiseFileLimit();
    if (auto enough = CheckFileLimit(kDescriptorsOfAMount); !enough) {
      return Fail(std::move(enough.error()));
    }
  }
  if (options.mount_point.empty()) {
    auto asked = AskWhereToMount(options);
    if (!asked) return Fail(std::move(asked.error()));
    return *asked ? RunClusterMount(**asked) : Result<int>(0);
  }
  if (HasHolder()) {
    BlockStopSignals();
    return RunHeldMount(options);
  }
  OwnedFd left;
  if (!options.mount_namespace.empty()) {
    auto joined = JoinMountNamespace(options.mount_namespace);
    if (!joined) return Fail(std::move(joined.error()));
    left = std::move(*joined);
  }
  if (options.what.is_tree()) return RunClusterMount(options);
  // As an ordinary user fusermount3 mounts and unmounts, and nobody could hold anything.
  if (options.holder && geteuid() == 0) return LaunchHolder(options, left);
  return ServeInBackground(
      options, [&](ReadinessPipe ready) { return ServeVolume(options, std::move(ready)); });
}

}  // namespace downwardfs
