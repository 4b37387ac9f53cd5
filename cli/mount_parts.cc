// SPDX-License-Identifier: Apache-2.0
#include "cli/mount_parts.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_keys.h"
#include "base/log_setup.h"
#include "base/sd_notify.h"
#include "cli/confine.h"
#include "cli/free_mount_point.h"
#include "cli/stop_signals.h"
#include "fs/volume/projection_source.h"

namespace downwardfs {
namespace {

Ownership OwnershipOf(const MountOptions& options, bool held) {
  Ownership ownership;
  // Under a holder the volume is root's, whoever the daemon is: the publisher is uid 0.
  if (!held) {
    ownership.uid = geteuid();
    ownership.gid = getegid();
  }
  ownership.fs_group = options.fs_group;
  return ownership;
}

}  // namespace

Result<int> ServeInBackground(const MountOptions& options,
                              const std::function<Result<int>(ReadinessPipe)>& serve) {
  ReadinessPipe ready;
  if (!options.foreground) {
    // No thread exists yet; everything that can fail happens in the child, which still has the
    // caller's terminal for its one line. The parent may be interrupted while it waits.
    std::optional<MountPoint> place;
    if (geteuid() == 0) {
      if (auto opened = OpenMountPoint(options.mount_point, /*over_mounts=*/true)) {
        place = std::move(*opened);
      }
    }
    auto forked = ForkUntilReady([&] {
      if (place) RemoveLostMount(*place);
    });
    place.reset();
    if (!forked) return Fail(std::move(forked.error()));
    ready = std::move(*forked);
  }
  BlockStopSignals();
  return serve(std::move(ready));
}

Result<SingleMount> BeginSingleMount(const MountOptions& options) {
  ConfineSingleProcess();
  if (auto done = CheckFuseAvailable(); !done) return Fail(std::move(done.error()));
  auto place = FreeMountPoint(options.mount_point, options.over_mounts);
  if (!place) return Fail(std::move(place.error()));
  LogOptions log = options.log;
  log.use_syslog = !options.foreground;
  if (auto done = SetUpLog(log); !done) return Fail(std::move(done.error()));
  auto signals = OpenStopSignals();
  if (!signals) return Fail(std::move(signals.error()));
  return SingleMount{std::move(*place), std::move(*signals)};
}

Result<int> EndSingleMount(const std::string& mount_point, Result<int> signal) {
  if (!signal) return signal;
  NotifySystemd("STOPPING=1");
  LogInfo("unmounted",
          {{log_keys::kMountPoint, mount_point}, {log_keys::kSignal, std::to_string(*signal)}});
  return 0;
}

Status CheckView(const Inputs& inputs, int signals) {
  auto projection = ProjectFrom(*inputs.source, inputs.pod, inputs.view);
  if (!projection) return Fail(std::move(projection.error()));
  pollfd stop = {signals, POLLIN, 0};
  if (poll(&stop, 1, 0) > 0) {
    return Fail(ErrorCode::kCancelled, "stopped by a signal; nothing is mounted");
  }
  return {};
}

MountedVolumeOptions VolumeOptions(const MountOptions& options, const std::string& mount_point,
                                   const MountStatus& status, bool held) {
  MountedVolumeOptions out;
  out.mount_point = mount_point;
  out.allow_other = options.allow_other;
  out.selinux_context = options.selinux_context;
  out.layout = options.live_layout ? Layout::kLive : Layout::kKubelet;
  out.ownership = OwnershipOf(options, held);
  out.status = [&status] { return status.Json(); };
  return out;
}

std::string SourceName(const MountOptions& options, const Inputs& inputs) {
  if (!options.source_name.empty()) return options.source_name;
  return "downwardfs:" + inputs.pod.ns + "/" + inputs.pod.name;
}

Status StartUpdates(ServedMount& served, Inputs& inputs, const Mounter& mount) {
  served.updater = std::make_unique<VolumeUpdater>(
      *inputs.source, inputs.pod, inputs.view,
      [&served, mount](VolumeUpdater::Update update) -> Status {
        if (!update.changed) {
          served.volume->SetResourceVersion(std::move(update.resource_version));
          return {};
        }
        auto version = VolumeVersion::Make(update.files, std::move(update.contents),
                                           served.namer.Next(), Clock::Real().Wall());
        if (served.volume) {
          served.volume->Publish(std::move(version), std::move(update.resource_version));
          return {};
        }
        auto mounted = mount(std::move(version), std::move(update.resource_version));
        if (!mounted) return Fail(std::move(mounted.error()));
        served.volume = std::move(*mounted);
        return {};
      },
      VolumeUpdater::Keep::kWhatIsRead);
  if (served.volume) {
    if (const auto shown = served.volume->shown()) served.updater->SetShown(*shown);
  }
  if (auto done = served.updater->Start(); !done) return done;
  return inputs.follow();
}

void SayShortfalls(const MountedVolume& volume) {
  if (!volume.has_writable_view()) std::fprintf(stderr, "downwardfs: %s\n", kNoEvents);
  const std::string shortfall = volume.DescribeShortfall();
  if (!shortfall.empty()) std::fprintf(stderr, "downwardfs: %s\n", shortfall.c_str());
}

}  // namespace downwardfs
