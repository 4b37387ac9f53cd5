// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/mount_status.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "fs/fuse/status_head.h"

namespace downwardfs {
namespace {

std::string ViewName(const VolumeView& view) {
  switch (view.kind) {
    case VolumeView::Kind::kItems:
      return "items";
    case VolumeView::Kind::kVolume:
      return "volume " + view.volume;
    case VolumeView::Kind::kFullView:
      return "full";
  }
  return "";
}

}  // namespace

MountStatus::MountStatus(std::string mount_point) : mount_point_(std::move(mount_point)) {}

void MountStatus::SetHolder(const Holder& holder) {
  MutexLock lock(mutex_);
  holder_ = holder;
}

void MountStatus::Attach(const ObjectSource& source, const ObjectKey& pod, const VolumeView& view) {
  MutexLock lock(mutex_);
  source_ = &source;
  pod_ = pod.ns + "/" + pod.name;
  view_ = ViewName(view);
}

void MountStatus::Detach() {
  MutexLock lock(mutex_);
  source_ = nullptr;
}

void MountStatus::SetWaiting(const std::string& source, const std::string& pod,
                             const std::string& why) {
  MutexLock lock(mutex_);
  if (!source.empty()) waiting_source_ = source;
  if (!pod.empty()) pod_ = pod;
  if (!why.empty()) waiting_ = why;
}

void MountStatus::SetCurrentAt(std::chrono::steady_clock::time_point at) {
  MutexLock lock(mutex_);
  current_at_ = at;
}

SourceState MountStatus::State() const {
  if (source_ != nullptr) return source_->State();
  SourceState state;
  state.description = waiting_source_;
  state.last_error = waiting_;
  state.data_age = std::chrono::steady_clock::now() - current_at_;
  return state;
}

std::chrono::nanoseconds MountStatus::DataAge() const {
  MutexLock lock(mutex_);
  return State().data_age;
}

void MountStatus::SetTrouble(std::string trouble) {
  MutexLock lock(mutex_);
  trouble_ = std::move(trouble);
}

void MountStatus::AttachVolume(const MountedVolume* volume, const VolumeUpdater* updater) {
  MutexLock lock(mutex_);
  volume_ = volume;
  updater_ = updater;
}

std::string MountStatus::Json() const {
  MutexLock lock(mutex_);
  const SourceState source = State();
  nlohmann::json out = StatusHead(mount_point_, started_, source);
  out["generation"] = holder_.generation;
  out["deaths"] = holder_.deaths;
  if (holder_.pid > 0) {
    out["holderPid"] = holder_.pid;
    out["lastHandoverSeconds"] = static_cast<double>(holder_.last_handover_us) / 1e6;
    out["longestStallSeconds"] = static_cast<double>(holder_.longest_handover_us) / 1e6;
  }
  if (!pod_.empty()) out["pod"] = pod_;
  if (!view_.empty()) out["view"] = view_;
  out["podDeleted"] = false;  // as far as is known
  out["problems"] = nlohmann::json::array();
  if (updater_ != nullptr) {
    const VolumeUpdater::State updater = updater_->state();
    if (source.last_error.empty()) out["lastError"] = updater.last_error;
    out["podDeleted"] = updater.pod_deleted;
    out["problems"] = updater.problems;
  }
  if (volume_ != nullptr) {
    const VolumeStats stats = volume_->stats();
    out["resourceVersion"] = stats.resource_version;
    if (!stats.data_dir.empty()) out["dataDirectory"] = stats.data_dir;
    out["files"] = stats.files;
    out["contentBytes"] = stats.content_bytes;
    out["flips"] = stats.flips;
    out["liveVersions"] = stats.versions;
    out["kernelLookups"] = stats.lookups;
    out["openFiles"] = stats.open_files;
    out["flipsWithoutEvents"] = volume_->without_events();
    if (stats.log_limit > 0) {
      out["handoverBytes"] = stats.log_bytes;
      out["handoverLimit"] = stats.log_limit;
      out["handoverFull"] = stats.log_full;
      out["versionsDropped"] = stats.versions_dropped;
    }
    if (!trouble_.empty()) out["lastError"] = trouble_;
    const auto no_error = [&] { return out["lastError"].get<std::string>().empty(); };
    if (stats.log_full && no_error()) {
      out["lastError"] =
          "the handover memory is full: if this daemon dies, the volume is mounted anew and those "
          "who use it now get ENOTCONN";
    }
    out["changesBy"] = volume_->raises_events() ? "events" : "notification";
    out["writableView"] = volume_->has_writable_view();
    if (volume_->lost_its_helpers() && no_error()) {
      out["lastError"] =
          holder_.pid != 0
              ? "the publisher is gone, and the holder has not replaced it yet: changes raise no "
                "events (is the holder stopped?)"
              : "the holder is gone: changes raise no events, and the mount ends with this daemon; "
                "unmount, then mount again";
    }
    out["publishStuck"] = volume_->stuck();
    out["publishHeldBack"] = volume_->held_back();
    out["requests"] = volume_->requests();
  }
  return StatusText(out);
}

}  // namespace downwardfs
