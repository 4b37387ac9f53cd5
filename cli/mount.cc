// SPDX-License-Identifier: Apache-2.0
// `downwardfs mount`: checks everything, forks, mounts, serves until unmounted or signalled.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/daemonize.h"
#include "base/log_keys.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/mount_status.h"
#include "cli/stop_signals.h"
#include "fs/fuse/mounted_volume.h"
#include "fs/tree/data_dir_name.h"
#include "fs/tree/projection_source.h"
#include "fs/tree/volume_updater.h"
#include "mount-helper/mount_point.h"
#include "mount-helper/mount_watch.h"

namespace downwardfs {
namespace {

// Two answer while two others wait for their readers' pages.
constexpr int kServingThreads = 4;

// Fails before anything is mounted where the view cannot be shown at all.
Status CheckView(const Inputs& inputs) {
  auto projection = ProjectFrom(*inputs.source, inputs.pod, inputs.view);
  if (!projection) return Fail(std::move(projection.error()));
  return {};
}

Ownership OwnershipOf(const MountOptions& options) {
  Ownership ownership;
  ownership.uid = geteuid();
  ownership.gid = getegid();
  ownership.fs_group = options.fs_group;
  return ownership;
}

MountedVolumeOptions VolumeOptions(const MountOptions& options, const std::string& mount_point,
                                   const Inputs& inputs, const MountStatus& status) {
  MountedVolumeOptions out;
  out.mount_point = mount_point;
  out.fs_name = "downwardfs:" + inputs.pod.ns + "/" + inputs.pod.name;
  out.allow_other = options.allow_other;
  out.selinux_context = options.selinux_context;
  out.layout = options.live_layout ? Layout::kLive : Layout::kKubelet;
  out.ownership = OwnershipOf(options);
  out.status = [&status] { return status.Json(); };
  return out;
}

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

// A volume with all that it needs, in the order in which it is made; it is taken down in reverse.
struct Served {
  std::unique_ptr<SessionLoop> loop;
  Publisher publisher;
  std::unique_ptr<MountedVolume> volume;
  std::unique_ptr<VolumeUpdater> updater;
};

// Mounts with the first version, publishes the later ones.
Status Show(Served& served, const MountedVolumeOptions& options, DataDirNamer& namer,
            VolumeUpdater::Update update) {
  if (!update.changed) {
    served.volume->SetResourceVersion(std::move(update.resource_version));
    return {};
  }
  auto version = VolumeVersion::Make(std::move(update.files), namer.Next(), Clock::Real().Wall());
  if (served.volume) {
    served.volume->Publish(std::move(version), std::move(update.resource_version));
    return {};
  }
  auto mounted =
      MountedVolume::Mount(options, std::move(version), std::move(update.resource_version),
                           *served.loop, served.publisher);
  if (!mounted) return Fail(std::move(mounted.error()));
  served.volume = std::move(*mounted);
  return {};
}

// Runs in the process that stays: the child, or with -f the only one.
Result<int> Serve(const MountOptions& options, ReadinessPipe ready) {
  if (auto done = CheckFuseAvailable(); !done) return Fail(std::move(done.error()));
  auto mount_point = CheckMountPoint(options.mount_point);
  if (!mount_point) return Fail(std::move(mount_point.error()));
  LogOptions log = options.log;
  log.use_syslog = !options.foreground;
  if (auto done = SetUpLog(log); !done) return Fail(std::move(done.error()));
  auto signals = OpenStopSignals();
  if (!signals) return Fail(std::move(signals.error()));
  // Waiting for a server may take long, so it ends with a signal; what is not read there waits for
  // the end of the mount.
  auto inputs = OpenInputs(options.source, options.what, Usage{/*follow=*/true, signals->get()});
  if (!inputs) return Fail(std::move(inputs.error()));
  if (auto valid = CheckView(*inputs); !valid) return Fail(std::move(valid.error()));

  MountStatus status(*inputs, *mount_point);
  const MountedVolumeOptions volume = VolumeOptions(options, *mount_point, *inputs, status);
  DataDirNamer namer(Clock::Real());
  Served served;
  auto loop = SessionLoop::Start(kServingThreads);
  if (!loop) return Fail(std::move(loop.error()));
  served.loop = std::move(*loop);
  served.updater = std::make_unique<VolumeUpdater>(
      *inputs->source, inputs->pod, inputs->view,
      [&](VolumeUpdater::Update update) { return Show(served, volume, namer, std::move(update)); });
  if (auto done = served.updater->Start(); !done) return Fail(std::move(done.error()));
  if (auto done = inputs->follow(); !done) return Fail(std::move(done.error()));
  status.Attach(served.volume.get(), served.updater.get());

  if (auto done = ready.Ready(); !done) return Fail(std::move(done.error()));
  LogInfo("mounted", {{log_keys::kMountPoint, *mount_point},
                      {log_keys::kPod, inputs->pod.ns + "/" + inputs->pod.name},
                      {log_keys::kSource, inputs->source->State().description}});
  auto signal = WaitForTheEnd(*served.volume, signals->get());
  status.Attach(nullptr, nullptr);
  if (!signal) return Fail(std::move(signal.error()));
  LogInfo("unmounted",
          {{log_keys::kMountPoint, *mount_point}, {log_keys::kSignal, std::to_string(*signal)}});
  return 0;
}

}  // namespace

Result<int> RunMount(const MountOptions& options) {
  ReadinessPipe ready;
  if (!options.foreground) {
    // No thread exists yet; everything that can fail happens in the child, which still has the
    // caller's terminal for its one line. The parent may be interrupted while it waits.
    auto forked = ForkUntilReady();
    if (!forked) return Fail(std::move(forked.error()));
    ready = std::move(*forked);
  }
  BlockStopSignals();
  return Serve(options, std::move(ready));
}

}  // namespace downwardfs
