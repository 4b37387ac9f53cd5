// SPDX-License-Identifier: Apache-2.0
// `downwardfs write`: the volume's files in a plain directory, kept up to date without FUSE.
#include <poll.h>

#include <cerrno>
#include <optional>

#include "base/clock.h"
#include "base/log_keys.h"
#include "base/log_setup.h"
#include "base/signals.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/stop_signals.h"
#include "fs/volume/atomic_writer.h"
#include "fs/volume/projection_source.h"
#include "fs/volume/volume_updater.h"

namespace downwardfs {
namespace {

Status WaitForSignal(int fd) {
  pollfd poll_fd = {fd, POLLIN, 0};
  int signal = 0;
  while ((signal = TakeSignal(fd)) == 0) {
    if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR) return Fail(ErrnoError(errno, "poll"));
  }
  LogInfo("stopped; the files stay", {{log_keys::kSignal, std::to_string(signal)}});
  return {};
}

}  // namespace

Result<int> RunWrite(const WriteOptions& options) {
  BlockStopSignals();
  auto signals = OpenStopSignals();
  if (!signals) return Fail(std::move(signals.error()));
  if (auto done = SetUpLog(options.log); !done) return Fail(std::move(done.error()));

  std::optional<StopAtOnce> reading;
  if (!options.source.pod_file.empty()) reading.emplace();
  auto inputs = OpenInputs(options.source, options.what, Usage{/*follow=*/true, signals->get()});
  reading.reset();
  if (!inputs) return Fail(std::move(inputs.error()));
  auto writer = AtomicWriter::Open(options.directory, Clock::Real());
  if (!writer) return Fail(std::move(writer.error()));
  VolumeUpdater updater(*inputs->source, inputs->pod, inputs->view,
                        [&](const VolumeUpdater::Update& update) -> Status {
                          if (!update.changed) return {};
                          return (*writer)->Write(update.files);
                        });
  if (auto done = updater.Start(); !done) return Fail(std::move(done.error()));
  for (const std::string& problem : updater.state().problems) {
    LogWarning("a file is empty", {{log_keys::kItem, problem}});
  }
  if (options.once) return 0;
  if (auto done = inputs->follow(); !done) return Fail(std::move(done.error()));
  LogInfo("writing", {{log_keys::kFile, options.directory},
                      {log_keys::kPod, inputs->pod.ns + "/" + inputs->pod.name},
                      {log_keys::kSource, inputs->source->State().description}});
  if (auto done = WaitForSignal(signals->get()); !done) return Fail(std::move(done.error()));
  return 0;
}

}  // namespace downwardfs
