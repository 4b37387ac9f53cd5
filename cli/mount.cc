// SPDX-License-Identifier: Apache-2.0
// `downwardfs mount`: checks everything, forks, mounts, serves until unmounted or signalled.
#include <unistd.h>

#include "base/clock.h"
#include "base/daemonize.h"
#include "base/log_keys.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/mount_status.h"
#include "cli/stop_signals.h"
#include "fs/fuse/volume_session.h"
#include "fs/tree/data_dir_name.h"
#include "fs/tree/projection_source.h"
#include "fs/tree/volume_updater.h"
#include "mount-helper/mount_point.h"

namespace downwardfs {
namespace {

// Fails before anything is mounted where the view cannot be shown at all.
Status CheckView(const Inputs& inputs) {
  auto projection = ProjectFrom(*inputs.source, inputs.pod, inputs.view);
  if (!projection) return Fail(std::move(projection.error()));
  return {};
}

// Waiting for a server may take long, so it ends with a signal; what is not read here waits for the
// session.
Result<Inputs> OpenAsFollower(const MountOptions& options) {
  auto signals = OpenStopSignals();
  if (!signals) return Fail(std::move(signals.error()));
  return OpenInputs(options.source, options.what, Usage{/*follow=*/true, signals->get()});
}

Ownership OwnershipOf(const MountOptions& options) {
  Ownership ownership;
  ownership.uid = geteuid();
  ownership.gid = getegid();
  ownership.fs_group = options.fs_group;
  return ownership;
}

// Runs in the process that stays: the child, or with -f the only one.
Result<int> Serve(const MountOptions& options, ReadinessPipe ready) {
  if (auto done = CheckFuseAvailable(); !done) return Fail(std::move(done.error()));
  auto mount_point = CheckMountPoint(options.mount_point);
  if (!mount_point) return Fail(std::move(mount_point.error()));
  LogOptions log = options.log;
  log.use_syslog = !options.foreground;
  if (auto done = SetUpLog(log); !done) return Fail(std::move(done.error()));
  auto inputs = OpenAsFollower(options);
  if (!inputs) return Fail(std::move(inputs.error()));
  if (auto valid = CheckView(*inputs); !valid) return Fail(std::move(valid.error()));

  MountStatus status(*inputs, *mount_point);
  VolumeSessionOptions session_options;
  session_options.mount_point = *mount_point;
  session_options.fs_name = "downwardfs:" + inputs->pod.ns + "/" + inputs->pod.name;
  session_options.allow_other = options.allow_other;
  session_options.ownership = OwnershipOf(options);
  session_options.status = [&status] { return status.Json(); };
  auto session = VolumeSession::Mount(std::move(session_options));
  if (!session) return Fail(std::move(session.error()));

  DataDirNamer namer(Clock::Real());
  VolumeUpdater updater(
      *inputs->source, inputs->pod, inputs->view, [&](VolumeUpdater::Update update) -> Status {
        if (!update.changed) {
          (*session)->SetResourceVersion(std::move(update.resource_version));
          return {};
        }
        (*session)->Publish(
            VolumeVersion::Make(std::move(update.files), namer.Next(), Clock::Real().Wall()),
            std::move(update.resource_version));
        return {};
      });
  if (auto done = updater.Start(); !done) return Fail(std::move(done.error()));
  if (auto done = inputs->follow(); !done) return Fail(std::move(done.error()));
  status.Attach(session->get(), &updater);

  if (auto done = ready.Ready(); !done) return Fail(std::move(done.error()));
  LogInfo("mounted", {{log_keys::kMountPoint, *mount_point},
                      {log_keys::kPod, inputs->pod.ns + "/" + inputs->pod.name},
                      {log_keys::kSource, inputs->source->State().description}});
  auto signal = (*session)->Serve();
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
