// SPDX-License-Identifier: Apache-2.0
#include "csi/csi_volume.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_keys.h"
#include "csi/dead_mounts.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20;  // of one volume's files
// How long the server may be out of reach before a volume counts as abnormal.
constexpr std::chrono::minutes kLongestAge{5};

// Something that an item names and the pod does not have: CSI's NOT_FOUND is about volumes.
tl::unexpected<Error> OfAttributes(Error error) {
  if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kInvalidArgument;
  return Fail(std::move(error));
}

}  // namespace

CsiVolume::CsiVolume(const VolumeParts& parts, PublishSpec spec)
    : parts_(parts),
      spec_(std::move(spec)),
      share_(parts.budget, spec_.pod.uid),
      status_(spec_.target_path),
      namer_(Clock::Real()),
      updates_(parts.lanes.NewLane(spec_.pod.uid)) {
  status_.SetHolder(parts.holder.figures());
  spec_.view.most_bytes = kMostBytes;
}

CsiVolume::~CsiVolume() {
  Close();
}

MountedVolumeOptions CsiVolume::Options() {
  MountedVolumeOptions options;
  options.mount_point = spec_.target_path;
  options.source = "downwardfs:" + spec_.pod.ns + "/" + spec_.pod.name;
  options.allow_other = true;
  options.layout = spec_.layout;
  options.lane_owner = spec_.pod.uid;
  options.ownership.fs_group = spec_.fs_group;
  options.status = [this] { return status_.Json(); };
  options.all_requests = &parts_.tally.requests;
  options.resend = parts_.holder.resend();
  options.make_caller = [this](FuseMount& mount) { return MakeCaller(mount); };
  return options;
}

std::shared_ptr<TreeCaller> CsiVolume::MakeCaller(FuseMount& mount) const {
  if (!mount.view) {
    static std::atomic<bool> said{false};  // it is so for every volume
    if (!said.exchange(true)) LogWarning(kNoEvents, {{log_keys::kVolume, spec_.volume_id}});
    return nullptr;
  }
  return std::make_shared<PooledTreeCaller>(parts_.workers, Duplicate(mount.device),
                                            std::move(mount.view));
}

Result<std::shared_ptr<CsiVolume>> CsiVolume::Publish(const VolumeParts& parts, PublishSpec spec,
                                                      const ObjectKey& pod, bool replace) {
  std::shared_ptr<CsiVolume> volume(new CsiVolume(parts, std::move(spec)));
  volume->source_ = std::make_unique<PodSource>(parts.objects, pod);
  if (auto done = volume->CheckRights(); !done) return Fail(std::move(done.error()));
  if (auto done = volume->StartUpdater(replace); !done) {
    volume->Close();
    return OfAttributes(std::move(done.error()));
  }
  return volume;
}

Result<std::shared_ptr<CsiVolume>> CsiVolume::Resume(const VolumeParts& parts, PublishSpec spec,
                                                     FuseMount handed) {
  std::shared_ptr<CsiVolume> volume(new CsiVolume(parts, std::move(spec)));
  auto memory = HandoverMemory::Claim(handed.memory.get());
  if (!memory) return Fail(std::move(memory.error()));
  volume->memory_ = std::make_shared<const HandoverMemory>(std::move(*memory));
  auto mounted = MountedVolume::Resume(volume->Options(), volume->memory_, std::move(handed),
                                       parts.loop, parts.lanes);
  if (!mounted) return Fail(std::move(mounted.error()));
  volume->volume_ = std::move(*mounted);
  if (const auto shown = volume->volume_->shown()) {
    std::size_t bytes = 0;
    for (const auto& content : *shown->PeekContents()) bytes += content.size();
    volume->share_.Set(ContentBudget::Weight(bytes, shown->file_count()));
  }
  volume->status_.AttachVolume(volume->volume_.get(), nullptr);
  return volume;
}

std::vector<ObjectKey> CsiVolume::ToReview() const {
  std::vector<ObjectKey> objects;
  const bool full = spec_.view.kind == VolumeView::Kind::kFullView;
  if (full || Shows(spec_.view, "Node")) {
    objects.push_back({"Node", "", parts_.objects.node_name(), ""});
  }
  if (Shows(spec_.view, "Namespace")) objects.push_back({"Namespace", "", spec_.pod.ns, ""});
  return objects;
}

// Asks what the pod may see beyond itself, where it wants to. The full view goes without.
Status CsiVolume::Review() {
  for (const ObjectKey& object : ToReview()) {
    auto allowed = parts_.reviewer.MayGet(spec_.pod.ns, spec_.service_account, object);
    if (allowed) {
      if (*allowed) source_->Require(object);
      ApplyReview(object, *allowed);
    } else if (Shows(spec_.view, object.kind)) {
      return Fail(std::move(allowed.error()), "review of what the pod may read");
    }
  }
  return {};
}

Status CsiVolume::CheckRights() {
  if (auto done = Review(); !done) return done;
  for (const ObjectKey& object : ToReview()) {
    if (!Shows(spec_.view, object.kind) || source_->allows(object.kind)) continue;
    return Fail(ErrorCode::kPermissionDenied,
                MissingRight(spec_.pod.ns, spec_.service_account, object));
  }
  return {};
}

void CsiVolume::ApplyReview(const ObjectKey& object, bool allowed) {
  if (!source_) return;
  const bool before = source_->allows(object.kind);
  std::string why;
  if (!allowed && Shows(spec_.view, object.kind)) {
    why = MissingRight(spec_.pod.ns, spec_.service_account, object);
  }
  source_->Allow(object.kind, allowed, why);
  if (before == allowed || !updater_) return;
  const std::string what = object.kind == "Node" ? "its node" : "its namespace";
  LogInfo("the pod may read " + what + (allowed ? " now" : " no longer"),
          {{log_keys::kPod, spec_.pod.ns + "/" + spec_.pod.name},
           {log_keys::kVolume, spec_.volume_id}});
  updater_->LookAgain();
}

// The reasons in the state follow the view that is shown.
void CsiVolume::ApplyReviewsAgain() {
  const ObjectKey node = {"Node", "", parts_.objects.node_name(), ""};
  for (const ObjectKey& object : {node, ObjectKey{"Namespace", "", spec_.pod.ns, ""}}) {
    ApplyReview(object, source_->allows(object.kind));
  }
}

Status CsiVolume::Follow(const ObjectKey& pod) {
  if (follows()) return {};
  source_ = std::make_unique<PodSource>(parts_.objects, pod);
  if (auto done = Review(); !done) return done;
  return StartUpdater(/*replace=*/false);
}

bool CsiVolume::follows() const {
  MutexLock lock(mutex_);
  return follows_;
}

Status CsiVolume::StartUpdater(bool replace) {
  auto post = [lane = updates_->poster(), weak = weak_from_this()](VolumeUpdater::SteadyTime due,
                                                                   std::function<void()> task) {
    const auto arrived = std::max(due, std::chrono::steady_clock::now());
    auto guarded = [weak, arrived, task = std::move(task)] {
      // As long as a task runs, so does what it works on live.
      const auto self = weak.lock();
      if (!self) return;
      task();
      self->parts_.tally.updates.Add(std::chrono::steady_clock::now() - arrived);
    };
    if (due == VolumeUpdater::SteadyTime::min()) {
      lane.Post(std::move(guarded));
    } else {
      lane.PostAt(due, std::move(guarded));
    }
  };
  updater_ = std::make_unique<VolumeUpdater>(
      *source_, source_->pod(), spec_.view,
      [this, replace](VolumeUpdater::Update update) { return Show(std::move(update), replace); },
      VolumeUpdater::Keep::kWhatIsRead, std::move(post));
  if (volume_) {
    if (const auto shown = volume_->shown()) updater_->SetShown(*shown);
  }
  status_.Attach(*source_, source_->pod(), spec_.view);
  if (auto done = updater_->Start(); !done) {
    status_.Detach();
    updater_.reset();
    return done;
  }
  status_.AttachVolume(volume_.get(), updater_.get());
  MutexLock lock(mutex_);
  follows_ = true;
  return {};
}

Status CsiVolume::Show(VolumeUpdater::Update update, bool replace) {
  if (!update.changed) {
    volume_->SetResourceVersion(std::move(update.resource_version));
    return {};
  }
  std::size_t bytes = 0;
  for (const ProjectedFile& file : update.files) bytes += file.content.size();
  if (auto room = share_.Resize(bytes, update.files.size()); !room) return room;
  auto version = VolumeVersion::Make(update.files, std::move(update.contents), namer_.Next(),
                                     Clock::Real().Wall());
  if (!volume_) return Mount(std::move(version), std::move(update.resource_version), replace);
  volume_->Publish(std::move(version), std::move(update.resource_version));
  return {};
}

Status CsiVolume::Mount(VolumeVersionPtr version, std::string resource_version, bool replace) {
  auto memory_fd = HandoverMemory::Create();
  if (!memory_fd) return Fail(std::move(memory_fd.error()));
  auto memory = HandoverMemory::Claim(memory_fd->get());
  if (!memory) return Fail(std::move(memory.error()));
  memory_ = std::make_shared<const HandoverMemory>(std::move(*memory));
  MountedVolumeOptions options = Options();
  const std::string source = options.source;
  bool mounted = false;
  auto volume = MountedVolume::MountHeld(
      std::move(options), std::move(version), std::move(resource_version), memory_,
      [&]() -> Result<FuseMount> {
        auto made =
            parts_.holder.Mount(spec_.volume_id, spec_.target_path, source, *memory_fd, replace);
        if (!made) {
          // The directory above target_path is the caller's to make.
          if (made.error().code == ErrorCode::kNotFound) {
            made.error().code = ErrorCode::kFailedPrecondition;
          }
          return Fail(std::move(made.error()));
        }
        mounted = true;
        return made;
      },
      parts_.loop, parts_.lanes);
  if (!volume) {
    if (mounted) {
      static_cast<void>(parts_.holder.Unmount(spec_.volume_id, spec_.target_path, /*ours=*/true));
    }
    return Fail(std::move(volume.error()));
  }
  volume_ = std::move(*volume);
  SayShortfall();
  return {};
}

// It is so for every volume of the node, so the first one says it; the live layout has more to
// lose.
void CsiVolume::SayShortfall() const {
  static std::atomic<bool> said[2] = {false, false};
  if (said[spec_.layout == Layout::kLive ? 1 : 0].exchange(true)) return;
  const std::string shortfall = volume_->DescribeShortfall();
  if (!shortfall.empty()) LogWarning(shortfall, {{log_keys::kVolume, spec_.volume_id}});
}

Status CsiVolume::Change(const PublishSpec& spec) {
  if (spec.layout != spec_.layout) {
    return Fail(ErrorCode::kAlreadyExists,
                "volume " + spec_.volume_id + ": is published with another layout");
  }
  if (spec.attributes != spec_.attributes) {
    if (auto done = ChangeView(spec); !done) return done;
  }
  if (spec.fs_group != spec_.fs_group) {
    volume_->SetFsGroup(spec.fs_group);
    spec_.fs_group = spec.fs_group;
  }
  return {};
}

// Another view: an updater of it takes over what is shown. The attributes are the volume's once
// that has happened, or the next call would find nothing to change.
Status CsiVolume::ChangeView(const PublishSpec& spec) {
  const VolumeView before = std::exchange(spec_.view, spec.view);
  spec_.view.most_bytes = kMostBytes;
  auto valid = CheckRights();
  if (valid) {
    if (auto shown = ProjectFrom(*source_, source_->pod(), spec_.view); !shown) {
      valid = OfAttributes(std::move(shown.error()));
    }
  }
  if (!valid) {
    spec_.view = before;
    ApplyReviewsAgain();
    return valid;
  }
  auto started = RestartUpdater();
  if (started) {
    spec_.attributes = spec.attributes;
    return {};
  }
  spec_.view = before;
  ApplyReviewsAgain();
  if (auto again = RestartUpdater(); !again) {
    LogWarning("the last content stays; trying again",
               {{log_keys::kVolume, spec_.volume_id}, {log_keys::kError, again.error().message}});
  }
  return OfAttributes(std::move(started.error()));
}

Status CsiVolume::RestartUpdater() {
  {
    MutexLock lock(mutex_);
    follows_ = false;
  }
  status_.AttachVolume(volume_.get(), nullptr);
  updates_ = parts_.lanes.NewLane(spec_.pod.uid);
  updater_.reset();
  return StartUpdater(/*replace=*/false);
}

void CsiVolume::Detach() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(detached_, true)) return;
  }
  volume_->Detach();
}

bool CsiVolume::detached() const {
  MutexLock lock(mutex_);
  return detached_;
}

bool CsiVolume::ended() const {
  pollfd fd = {volume_->ended_fd(), POLLIN, 0};
  return poll(&fd, 1, 0) > 0;
}

bool CsiVolume::SetDeadIn(const std::vector<std::string>& containers) {
  {
    MutexLock lock(mutex_);
    if (dead_in_ == containers) return false;
    dead_in_ = containers;
  }
  status_.SetTrouble(DescribeDeadMount(containers));
  return true;
}

std::vector<std::string> CsiVolume::dead_in() const {
  MutexLock lock(mutex_);
  return dead_in_;
}

void CsiVolume::Close() {
  status_.AttachVolume(nullptr, nullptr);
  status_.Detach();
  if (updater_) updater_->Stop();
  updates_.reset();
  if (volume_) volume_->Unmount();
}

VolumeStats CsiVolume::stats() const {
  return volume_->stats();
}

VolumeCondition CsiVolume::Condition() const {
  using State = VolumeCondition::State;
  MutexLock lock(mutex_);
  if (detached_) return {State::kDetached, "the mount is gone; somebody has unmounted it"};
  if (ended()) {
    return {State::kEnded, "its FUSE session has ended; the next publish mounts it anew"};
  }
  if (!dead_in_.empty()) return {State::kDead, DescribeDeadMount(dead_in_)};
  if (volume_->stuck()) {
    return {State::kStuck, "a change cannot be shown: somebody holds a directory of the volume"};
  }
  if (!follows_) {
    return {State::kNotFollowed,
            "the pod is not followed yet: " + parts_.objects.pods().State().last_error};
  }
  const VolumeUpdater::State updater = updater_->state();
  if (!updater.last_error.empty()) {
    return {State::kFailing, "the newest change is not shown: " + updater.last_error};
  }
  const SourceState source = source_->State();
  if (source.data_age > kLongestAge) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(source.data_age);
    return {State::kStale, "the API server has been out of reach for " +
                               std::to_string(age.count()) + " s: " + source.last_error};
  }
  return {};
}

}  // namespace downwardfs
