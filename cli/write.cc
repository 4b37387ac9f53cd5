// SPDX-License-Identifier: Apache-2.0
// `downwardfs write`: the volume's files in a plain directory, kept up to date without FUSE.
#include <poll.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log_keys.h"
#include "base/log_setup.h"
#include "base/mutex.h"
#include "base/process.h"
#include "base/signals.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/stop_signals.h"
#include "fs/volume/atomic_writer.h"
#include "fs/volume/projection_source.h"
#include "fs/volume/volume_updater.h"

namespace downwardfs {
namespace {

constexpr int kLookAtTarget = 1000;  // ms

// The target directory, and what was written to it last. The updater's thread writes; a change of
// the directory itself, which no event of the pod tells, is noticed by the main thread.
class Target {
 public:
  explicit Target(std::unique_ptr<AtomicWriter> writer) : writer_(std::move(writer)) {}

  Status Write(const VolumeUpdater::Update& update) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (update.changed) files_ = update.files;
    if (!update.changed && writer_->InPlace()) return {};
    return writer_->Write(files_);
  }
  bool InPlace() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return writer_->InPlace();
  }

 private:
  mutable Mutex mutex_;
  std::unique_ptr<AtomicWriter> writer_ GUARDED_BY(mutex_);
  std::vector<ProjectedFile> files_ GUARDED_BY(mutex_);
};

Status WaitForSignal(int fd, const Target& target, VolumeUpdater& updater) {
  pollfd poll_fd = {fd, POLLIN, 0};
  int signal = 0;
  while ((signal = TakeSignal(fd)) == 0) {
    if (poll(&poll_fd, 1, kLookAtTarget) < 0 && errno != EINTR) {
      return Fail(ErrnoError(errno, "poll"));
    }
    if (!target.InPlace()) updater.LookAgain();
  }
  LogInfo("stopped; the files stay", {{log_keys::kSignal, std::to_string(signal)}});
  return {};
}

}  // namespace

Result<int> RunWrite(const WriteOptions& options) {
  KeepOwnersRights();
  BlockStopSignals();
  auto signals = OpenStopSignals();
  if (!signals) return Fail(std::move(signals.error()));
  if (auto done = SetUpLog(options.log); !done) return Fail(std::move(done.error()));

  Usage usage{/*follow=*/true, signals->get()};
  usage.stop_reading = true;
  auto inputs = OpenInputs(options.source, options.what, std::move(usage));
  if (!inputs) return Fail(std::move(inputs.error()));
  auto writer = AtomicWriter::Open(options.directory, Clock::Real());
  if (!writer) return Fail(std::move(writer.error()));
  Target target(std::move(*writer));
  VolumeUpdater updater(
      *inputs->source, inputs->pod, inputs->view,
      [&target](const VolumeUpdater::Update& update) { return target.Write(update); });
  if (auto done = updater.Start(); !done) return Fail(std::move(done.error()));
  for (const std::string& problem : updater.state().problems) {
    LogWarning("a file is empty", {{log_keys::kItem, problem}});
  }
  if (options.once) return 0;
  if (auto done = inputs->follow(); !done) return Fail(std::move(done.error()));
  LogInfo("writing", {{log_keys::kFile, options.directory},
                      {log_keys::kPod, inputs->pod.ns + "/" + inputs->pod.name},
                      {log_keys::kSource, inputs->source->State().description}});
  if (auto done = WaitForSignal(signals->get(), target, updater); !done)
    return Fail(std::move(done.error()));
  return 0;
}

}  // namespace downwardfs
