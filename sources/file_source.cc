// SPDX-License-Identifier: Apache-2.0
#include "sources/file_source.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/log_keys.h"
#include "sources/file_env_objects.h"
#include "sources/manifest.h"

namespace downwardfs {
namespace {

template <PodDefaults kDefaults>
Result<WatchedFile::Content> ParsePods(std::string_view bytes) {
  auto documents = ParseManifest(bytes);
  if (!documents) return documents;
  std::vector<Json> beside = ObjectsBesidePods(*documents);
  auto objects = PodsFromManifest(std::move(*documents), kDefaults);
  if (!objects) return objects;
  std::move(beside.begin(), beside.end(), std::back_inserter(*objects));
  return objects;
}

Result<WatchedFile::Content> ParseNodes(std::string_view bytes) {
  auto documents = ParseManifest(bytes);
  if (!documents) return documents;
  return NodesFromManifest(std::move(*documents));
}

const std::string& TextOf(const ObjectPtr& object) {
  return static_cast<const TextObject&>(*object).text();  // all objects here are ours
}

}  // namespace

Result<std::unique_ptr<FileSource>> FileSource::Open(const std::string& pod_file,
                                                     const std::string& node_file,
                                                     const Clock& clock, PodDefaults defaults) {
  std::unique_ptr<FileSource> source(new FileSource(clock));
  const auto parse = defaults == PodDefaults::kApiServer ? ParsePods<PodDefaults::kApiServer>
                                                         : ParsePods<PodDefaults::kNone>;
  if (auto added = source->Add(pod_file, parse); !added) {
    return Fail(std::move(added.error()));
  }
  if (node_file.empty()) return source;
  if (auto added = source->Add(node_file, ParseNodes); !added) {
    return Fail(std::move(added.error()));
  }
  return source;
}

Status FileSource::Add(const std::string& path, WatchedFile::Parser parser) {
  WatchedFile file(path, parser);
  auto content = file.Load();
  if (!content) return Fail(std::move(content.error()));
  {
    const MutexLock lock(mutex_);
    shown_.push_back(Shown{"file " + file.description(), {}, std::nullopt});
  }
  files_.push_back(std::move(file));
  Install(files_.size() - 1, *content);
  return {};
}

Status FileSource::Start() {
  for (WatchedFile& file : files_) {
    if (auto watching = file.Watch(); !watching) return watching;
  }
  auto thread = StoppableThread::Start("file-source", [this](int stop) { Run(stop); });
  if (!thread) return Fail(std::move(thread.error()));
  thread_ = std::move(*thread);
  return {};
}

bool FileSource::Wait(int stop) const {
  std::vector<pollfd> fds = {{stop, POLLIN, 0}};
  std::optional<WatchedFile::Time> deadline;
  for (const WatchedFile& file : files_) {
    fds.push_back({file.fd(), POLLIN, 0});  // poll(2) passes over -1
    if (const auto due = file.deadline(); due && (!deadline || *due < *deadline)) deadline = due;
  }
  int timeout = -1;
  if (deadline) {
    const auto left = *deadline - std::chrono::steady_clock::now();
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    timeout = static_cast<int>(std::clamp<decltype(whole)>(whole, 0, 1000));
  }
  poll(fds.data(), fds.size(), timeout);  // a failure is EINTR or like a timeout
  return fds.front().revents == 0;
}

void FileSource::Run(int stop) {
  while (Wait(stop)) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const auto news = files_[i].Poll();
      if (!news) continue;
      if (*news) {
        Install(i, **news);
      } else {
        Break(i, news->error().message);
      }
    }
  }
}

FileSource::Objects FileSource::MakeObjects(const Shown& old, const WatchedFile::Content& content,
                                            std::vector<Change>& changes) {
  Objects objects;
  const std::string next_version = "file-" + std::to_string(revision_ + 1);
  for (const auto& json : content) {
    const auto& metadata = json.at("metadata");
    ObjectMeta meta{json.value("kind", ""), metadata.value("namespace", ""),
                    metadata.value("name", ""), metadata.value("uid", ""),
                    metadata.value("resourceVersion", "")};
    if (meta.resource_version.empty()) meta.resource_version = next_version;
    const auto key = std::make_tuple(meta.kind, meta.ns, meta.name);
    std::string text = DumpJson(json);
    const auto before = old.objects.find(key);
    if (before != old.objects.end() && TextOf(before->second) == text) {
      objects.emplace(key, before->second);
      continue;
    }
    auto object = std::make_shared<const TextObject>(std::move(meta), std::move(text));
    changes.push_back({before == old.objects.end() ? nullptr : before->second, object});
    objects.emplace(key, std::move(object));
  }
  for (const auto& [key, object] : old.objects) {
    if (objects.count(key) == 0) changes.push_back({object, nullptr});
  }
  if (!changes.empty()) ++revision_;
  return objects;
}

void FileSource::Install(std::size_t index, const WatchedFile::Content& content) {
  std::vector<Change> changes;
  bool recovered = false;
  std::string description;
  {
    const MutexLock lock(mutex_);
    Shown& shown = shown_[index];
    shown.objects = MakeObjects(shown, content, changes);
    recovered = shown.failure.has_value();
    shown.failure.reset();
    description = shown.description;
  }
  if (recovered) LogInfo("the source is good again", {{log_keys::kSource, description}});
  for (const Change& change : changes) subscriptions_.Deliver(change.before, change.after);
}

void FileSource::Break(std::size_t index, const std::string& message) {
  std::string description;
  {
    const MutexLock lock(mutex_);
    Shown& shown = shown_[index];
    if (shown.failure && shown.failure->message == message) return;
    const auto since = shown.failure ? shown.failure->since : clock_.Steady();
    shown.failure = Failure{message, since};
    description = shown.description;
  }
  LogWarning("the source cannot be used; its last good content stays",
             {{log_keys::kSource, description}, {log_keys::kError, message}});
}

ObjectPtr FileSource::Get(const ObjectKey& key) const {
  const MutexLock lock(mutex_);
  for (const Shown& shown : shown_) {
    const auto found = shown.objects.find({key.kind, key.ns, key.name});
    if (found != shown.objects.end() && key.Matches(found->second->meta())) return found->second;
  }
  return nullptr;
}

std::vector<ObjectPtr> FileSource::List(const std::string& kind) const {
  const MutexLock lock(mutex_);
  std::vector<ObjectPtr> out;
  for (const Shown& shown : shown_) {
    for (const auto& [key, object] : shown.objects) {
      if (object->meta().kind == kind) out.push_back(object);
    }
  }
  return out;
}

std::unique_ptr<ObjectSource::Subscription> FileSource::Subscribe(ObjectKey key,
                                                                  Callback callback) {
  return subscriptions_.Add(std::move(key), std::move(callback));
}

SourceState FileSource::State() const {
  const auto now = clock_.Steady();
  const MutexLock lock(mutex_);
  SourceState state;
  state.connected = true;
  state.resource_version = "file-" + std::to_string(revision_);
  for (const Shown& shown : shown_) {
    state.description += (state.description.empty() ? "" : ", ") + shown.description;
    if (!shown.failure) continue;
    state.connected = false;
    if (state.last_error.empty()) state.last_error = shown.failure->message;
    state.data_age = std::max<std::chrono::nanoseconds>(state.data_age, now - shown.failure->since);
  }
  return state;
}

}  // namespace downwardfs
