// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/volume_updater.h"

#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "fs/tree/projection_source.h"

namespace downwardfs {
namespace {

// What the volume would look like the same: the source of a file does not show in it, except in an
// extended attribute, and follows from the item.
bool SameFiles(const std::vector<ProjectedFile>& a, const std::vector<ProjectedFile>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].path != b[i].path || a[i].mode != b[i].mode || a[i].content != b[i].content ||
        a[i].source != b[i].source) {
      return false;
    }
  }
  return true;
}

}  // namespace

VolumeUpdater::VolumeUpdater(ObjectSource& source, ObjectKey key, VolumeView view, Sink sink)
    : source_(source), key_(std::move(key)), view_(std::move(view)), sink_(std::move(sink)) {}

VolumeUpdater::~VolumeUpdater() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.Join();
  pod_subscription_.reset();
  node_subscription_.reset();
}

Status VolumeUpdater::Start() {
  // Subscribed first, so that a change during the first projection is not missed.
  pod_subscription_ = source_.Subscribe(key_, [this](const ObjectPtr&) { MarkDirty(); });
  if (auto done = Refresh(); !done) {
    pod_subscription_.reset();
    node_subscription_.reset();
    return done;
  }
  thread_ = WorkerThread("updater", [this] { Run(); });
  return {};
}

void VolumeUpdater::MarkDirty() {
  {
    MutexLock lock(mutex_);
    dirty_ = true;
  }
  wake_.NotifyAll();
}

void VolumeUpdater::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!dirty_ && !stopping_) wake_.Wait(mutex_);
      if (stopping_) return;
      dirty_ = false;
    }
    Report(Refresh());
  }
}

Status VolumeUpdater::Refresh() {
  auto projected = ProjectFrom(source_, key_, view_);
  if (!projected && projected.error().code == ErrorCode::kNotFound && shown_any_ &&
      !source_.Get(key_)) {
    {
      MutexLock lock(mutex_);
      if (std::exchange(state_.pod_deleted, true)) return {};
    }
    LogInfo("the pod is gone; its last content stays",
            {{log_keys::kPod, key_.ns + "/" + key_.name}});
    return {};
  }
  if (!projected) return Fail(std::move(projected.error()));
  FollowNode(projected->node);

  std::vector<ProjectedFile>& files = projected->files;
  Update update;
  update.resource_version = projected->loaded.pod->meta().resource_version;
  update.changed = !shown_any_ || !SameFiles(files, shown_);
  if (update.changed) update.files = files;
  std::vector<std::string> problems;
  for (const ProjectedFile& file : files) {
    if (!file.problem.empty()) problems.push_back(file.path + ": " + file.problem);
  }
  const bool changed = update.changed;
  if (auto done = sink_(std::move(update)); !done) return done;
  shown_ = std::move(files);
  shown_any_ = true;

  MutexLock lock(mutex_);
  if (changed) ++state_.updates;
  state_.pod_deleted = false;
  state_.problems = std::move(problems);
  return {};
}

void VolumeUpdater::FollowNode(const ObjectKey& node) {
  if (node.name == node_key_.name) return;
  node_subscription_.reset();
  node_key_ = node;
  if (node.name.empty()) return;
  node_subscription_ = source_.Subscribe(node, [this](const ObjectPtr&) { MarkDirty(); });
  // The node may have changed before the subscription: look once more.
  MarkDirty();
}

void VolumeUpdater::Report(const Status& status) {
  const std::string error = status ? "" : status.error().message;
  {
    MutexLock lock(mutex_);
    if (error == state_.last_error) return;
    state_.last_error = error;
  }
  if (!error.empty()) {
    LogWarning("the change cannot be shown; the last good content stays",
               {{log_keys::kPod, key_.ns + "/" + key_.name}, {log_keys::kError, error}});
  } else {
    LogInfo("the newest content is shown again", {{log_keys::kPod, key_.ns + "/" + key_.name}});
  }
}

VolumeUpdater::State VolumeUpdater::state() const {
  MutexLock lock(mutex_);
  return state_;
}

}  // namespace downwardfs
