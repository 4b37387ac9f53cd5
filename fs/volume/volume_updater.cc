// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/volume_updater.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "fs/volume/projection_source.h"

namespace downwardfs {
namespace {

FileContents::Bytes BytesOf(const std::vector<ProjectedFile>& files) {
  FileContents::Bytes bytes;
  bytes.reserve(files.size());
  for (const ProjectedFile& file : files) bytes.push_back(file.content);
  return bytes;
}

// The objects are those of the first time, and so is what comes of them.
FileContents::Bytes RenderAgain(const LoadedInput& objects, const VolumeView& view,
                                std::size_t files) {
  auto projected = ProjectAgain(objects, view);
  FileContents::Bytes bytes;
  if (projected) {
    bytes = BytesOf(*projected);
  } else {
    LogError("a content cannot be rendered", {{log_keys::kPod, objects.pod->meta().name},
                                              {log_keys::kError, projected.error().message}});
  }
  bytes.resize(files);
  return bytes;
}

}  // namespace

VolumeUpdater::VolumeUpdater(ObjectSource& source, ObjectKey key, VolumeView view, Sink sink,
                             Keep keep)
    : VolumeUpdater(source, std::move(key), std::move(view), std::move(sink), keep, Post()) {}

VolumeUpdater::VolumeUpdater(ObjectSource& source, ObjectKey key, VolumeView view, Sink sink,
                             Keep keep, Post post)
    : source_(source),
      key_(std::move(key)),
      view_(std::make_shared<const VolumeView>(std::move(view))),
      sink_(std::move(sink)),
      keep_(keep),
      post_(std::move(post)) {}

// The source of a file shows in an extended attribute alone, and follows from the item.
bool VolumeUpdater::IsShown(const std::vector<ProjectedFile>& files) const {
  if (!shown_contents_ || files.size() != shown_.size()) return false;
  const FileContents::BytesPtr bytes = shown_contents_->Peek();
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].path != shown_[i].path || files[i].mode != shown_[i].mode ||
        files[i].user != shown_[i].user || files[i].source != shown_[i].source ||
        files[i].content != (*bytes)[i]) {
      return false;
    }
  }
  return true;
}

std::shared_ptr<FileContents> VolumeUpdater::ContentsOf(const Projection& projection) const {
  FileContents::Bytes bytes = BytesOf(projection.files);
  if (keep_ == Keep::kAll) return std::make_shared<FileContents>(std::move(bytes));
  return std::make_shared<FileContents>(
      std::move(bytes),
      [objects = projection.loaded, view = view_, count = projection.files.size()] {
        return RenderAgain(objects, *view, count);
      });
}

VolumeUpdater::~VolumeUpdater() {
  Stop();
  pod_subscription_.reset();
  others_.clear();
}

void VolumeUpdater::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.Join();
}

void VolumeUpdater::SetShown(const VolumeVersion& version) {
  FileContents::Bytes bytes;
  const auto contents = version.PeekContents();
  shown_.clear();
  for (const std::uint32_t file : version.Files()) {
    const TreeEntry& entry = version.entry(file);
    shown_.push_back({version.Path(file), "", entry.mode, entry.source, "", entry.user});
    bytes.push_back((*contents)[entry.file]);
  }
  shown_contents_ = std::make_shared<FileContents>(std::move(bytes));
}

Status VolumeUpdater::Start() {
  // Subscribed first, so that a change during the first projection is not missed.
  pod_subscription_ = source_.Subscribe(key_, [this](const ObjectPtr&) { MarkDirty(); });
  if (auto done = Refresh(); !done) {
    pod_subscription_.reset();
    others_.clear();
    return done;
  }
  if (!post_) {
    thread_ = WorkerThread("updater", [this] { Run(); });
    return {};
  }
  bool changed = false;  // meanwhile
  {
    MutexLock lock(mutex_);
    posts_ = true;
    changed = dirty_;
  }
  if (changed) post_(SteadyTime::min(), [this] { RunOnce(); });
  return {};
}

void VolumeUpdater::MarkDirty() {
  {
    MutexLock lock(mutex_);
    const bool posted = std::exchange(dirty_, true);
    // Not while Start() is at work: there is one projection at a time.
    if (post_ && (posted || !posts_)) return;
  }
  if (post_) {
    post_(SteadyTime::min(), [this] { RunOnce(); });
  } else {
    wake_.NotifyAll();
  }
}

void VolumeUpdater::RunOnce() {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    dirty_ = false;
  }
  Report(Refresh());
}

void VolumeUpdater::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!dirty_ && !stopping_) {
        if (!again_at_) {
          wake_.Wait(mutex_);
        } else if (!wake_.WaitUntil(mutex_, *again_at_)) {
          break;
        }
      }
      if (stopping_) return;
      dirty_ = false;
      again_at_.reset();
    }
    Report(Refresh());
  }
}

Status VolumeUpdater::Refresh() {
  auto projected = ProjectFrom(source_, key_, *view_);
  if (!projected && projected.error().code == ErrorCode::kNotFound && shown_contents_ &&
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
  FollowOthers(projected->others);

  std::vector<ProjectedFile>& files = projected->files;
  std::vector<std::string> problems;
  for (const ProjectedFile& file : files) {
    if (!file.problem.empty()) problems.push_back(file.path + ": " + file.problem);
  }
  Update update;
  update.resource_version = projected->loaded.pod->meta().resource_version;
  const bool changed = update.changed = !IsShown(files);
  std::shared_ptr<FileContents> contents;
  if (changed) {
    update.contents = contents = ContentsOf(*projected);
    update.files = files;
  }
  if (auto done = sink_(std::move(update)); !done) return done;
  if (changed) {
    if (!shown_contents_ || !shown_contents_->was_read()) contents->DropUnlessRead();
    for (ProjectedFile& file : files) file.content.clear();
    shown_ = std::move(files);
    shown_contents_ = std::move(contents);
  }

  MutexLock lock(mutex_);
  if (changed) ++state_.updates;
  state_.pod_deleted = false;
  state_.problems = std::move(problems);
  return {};
}

void VolumeUpdater::FollowOthers(const std::vector<ObjectKey>& others) {
  const auto same = [](const ObjectKey& a, const ObjectKey& b) {
    return a.kind == b.kind && a.name == b.name;
  };
  if (std::ranges::equal(others, others_, same, {}, &Followed::key)) return;
  others_.clear();
  for (const ObjectKey& key : others) {
    auto told = [this](const ObjectPtr&) { MarkDirty(); };
    others_.push_back({key, source_.Subscribe(key, std::move(told))});
  }
  // They may have changed before the subscription: look once more.
  if (!others.empty()) MarkDirty();
}

void VolumeUpdater::TryLater() {
  {
    MutexLock lock(mutex_);
    const bool posted = std::exchange(again_at_, retry_.at()).has_value();
    // One task that looks again is enough, however often it fails meanwhile.
    if (!post_ || posted) return;
  }
  post_(retry_.at(), [this] {
    {
      MutexLock lock(mutex_);
      again_at_.reset();
    }
    RunOnce();
  });
}

void VolumeUpdater::Report(const Status& status) {
  const std::string error = status ? "" : status.error().message;
  if (status) {
    retry_.Succeeded();
  } else {
    retry_.Failed(std::chrono::steady_clock::now(), error);
    TryLater();
  }
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
