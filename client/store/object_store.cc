// SPDX-License-Identifier: Apache-2.0
#include "client/store/object_store.h"

#include <algorithm>

#include "base/log.h"
#include "base/log_keys.h"
#include "client/store/resource_version.h"

namespace downwardfs::client {
namespace {

// Late events come within a stream's last moments; a burst of thousands of deletions does not need
// each of them remembered for long.
constexpr std::size_t kDeletedRemembered = 1024;

}  // namespace

class ObjectStore::Registration final : public Subscription {
 public:
  Registration(ObjectStore& store, Subscribers::Topic topic, std::string text,
               SubscriberPtr subscriber)
      : store_(store), topic_(topic), text_(std::move(text)), subscriber_(std::move(subscriber)) {}
  ~Registration() override {
    {
      const MutexLock lock(store_.mutex_);
      store_.subscribers_.Remove(topic_, text_, subscriber_.get());
    }
    subscriber_->Stop();
  }

 private:
  ObjectStore& store_;
  const Subscribers::Topic topic_;
  const std::string text_;
  const SubscriberPtr subscriber_;
};

ObjectStore::ObjectStore(std::string description, const Clock& clock)
    : ObjectStore(std::move(description), clock, Options()) {}
ObjectStore::ObjectStore(std::string description, const Clock& clock, Options options)
    : description_(std::move(description)), clock_(clock), options_(options) {}
ObjectStore::~ObjectStore() = default;

ObjectPtr ObjectStore::Reader(const PackedObject& packed) const {
  return MakeStoredObject(packed, codec_);
}

ObjectPtr ObjectStore::Get(const ObjectKey& key) const {
  const MutexLock lock(mutex_);
  const auto at = entries_.find(ObjectId{key.kind, key.ns, key.name});
  if (at == entries_.end()) return nullptr;
  if (!key.uid.empty() && at->packed.uid() != key.uid) return nullptr;
  return Reader(at->packed);
}

std::vector<ObjectPtr> ObjectStore::List(const std::string& kind) const {
  const MutexLock lock(mutex_);
  std::vector<ObjectPtr> objects;
  for (const Entry& entry : entries_) {
    if (entry.packed.kind() == kind) objects.push_back(Reader(entry.packed));
  }
  return objects;
}

std::size_t ObjectStore::size() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

std::size_t ObjectStore::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

std::unique_ptr<ObjectSource::Subscription> ObjectStore::Register(Subscribers::Topic topic,
                                                                  std::string text,
                                                                  ChangeCallback callback) {
  auto subscriber = std::make_shared<Subscriber>(std::move(callback));
  const MutexLock lock(mutex_);
  subscribers_.Add(topic, text, subscriber);
  return std::make_unique<Registration>(*this, topic, std::move(text), std::move(subscriber));
}

std::unique_ptr<ObjectSource::Subscription> ObjectStore::Subscribe(ObjectKey key,
                                                                   Callback callback) {
  const std::string text = Subscribers::ObjectTopic({key.kind, key.ns, key.name});
  return Register(Subscribers::Topic::kObject, text,
                  [uid = std::move(key.uid), callback = std::move(callback)](
                      const ObjectPtr& before, const ObjectPtr& after) {
                    const auto is_ours = [&uid](const ObjectPtr& object) {
                      return object && (uid.empty() || object->meta().uid == uid);
                    };
                    if (is_ours(after)) {
                      callback(after);
                    } else if (is_ours(before)) {
                      callback(nullptr);
                    }
                  });
}

std::unique_ptr<ObjectSource::Subscription> ObjectStore::SubscribeKind(const std::string& kind,
                                                                       ChangeCallback callback) {
  return Register(Subscribers::Topic::kKind, kind, std::move(callback));
}

ObjectStore::Change ObjectStore::Apply(const Entries::iterator& at, PackedObject after,
                                       std::uint16_t feed) {
  Change change;
  std::uint32_t first_stream = feeds_[feed].stream;
  if (at != entries_.end()) {
    if (at->feed == feed) first_stream = at->first_stream;
    change.before = at->packed;
    bytes_ -= at->packed.bytes();
    entries_.erase(at);
  }
  change.after = after;
  if (after) {
    bytes_ += after.bytes();
    entries_.insert(Entry{std::move(after), feed, feeds_[feed].stream, first_stream});
  }
  subscribers_.Find(change.before, change.after, &change.subscribers);
  return change;
}

void ObjectStore::Tell(const Change& change) {
  if (change.subscribers.empty()) return;
  ObjectPtr before;
  ObjectPtr after;
  {
    const MutexLock lock(mutex_);
    if (change.before) before = Reader(change.before);
    if (change.after) after = Reader(change.after);
  }
  for (const SubscriberPtr& subscriber : change.subscribers) subscriber->Call(before, after);
}

void ObjectStore::CompressAll() {
  std::vector<std::string> samples;
  for (const Entry& entry : entries_) samples.push_back(entry.packed.Json(nullptr));
  auto codec = ObjectCodec::Train(samples);
  if (!codec) {
    codec_failed_ = true;
    LogInfo("objects stay uncompressed", {{log_keys::kError, codec.error().message}});
    return;
  }
  codec_ = *codec;
  Entries compressed;
  compressed.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    compressed.insert(
        Entry{entry.packed.Compressed(*codec_), entry.feed, entry.stream, entry.first_stream});
  }
  bytes_ = 0;
  for (const Entry& entry : compressed) bytes_ += entry.packed.bytes();
  entries_ = std::move(compressed);
}

void ObjectStore::Put(std::uint16_t feed, const ObjectView& object) {
  const MutexLock writer(writer_mutex_);
  std::shared_ptr<const ObjectCodec> codec;
  {
    const MutexLock lock(mutex_);
    codec = codec_;
  }
  // Compression is the slow part: readers need not wait for it.
  PackedObject packed = PackedObject::Pack(object, codec.get());
  Change change;
  {
    const MutexLock lock(mutex_);
    FeedState& state = feeds_[feed];
    const auto at = entries_.find(packed.id());
    if (at != entries_.end()) {
      const bool same_stream = at->stream == state.stream && at->feed == feed;
      const bool same_object = at->packed.uid() == packed.uid();
      if (same_stream && IsOlder(packed.resource_version(), at->packed.resource_version())) return;
      // A version names one content within a stream only: a server that was restored gives the
      // same one out again.
      if (same_object && !packed.resource_version().empty() &&
          packed.resource_version() == at->packed.resource_version() &&
          (same_stream || packed.SameContent(at->packed, codec_.get()))) {
        at->feed = feed;
        at->stream = state.stream;
        return;
      }
    } else if (!state.deleted.empty()) {
      const auto gone = state.deleted.find(Subscribers::ObjectTopic(packed.id()));
      if (gone != state.deleted.end() && (IsOlder(packed.resource_version(), gone->second) ||
                                          packed.resource_version() == gone->second)) {
        return;
      }
    }
    change = Apply(at, std::move(packed), feed);
    if (!codec_ && !codec_failed_ && entries_.size() >= options_.compress_from) CompressAll();
  }
  Tell(change);
}

void ObjectStore::Remove(std::uint16_t feed, const ObjectView& object) {
  const MutexLock writer(writer_mutex_);
  Change change;
  {
    const MutexLock lock(mutex_);
    FeedState& state = feeds_[feed];
    const ObjectId id{object.kind, object.ns, object.name};
    const auto at = entries_.find(id);
    if (at != entries_.end()) {
      if (IsOlder(object.resource_version, at->packed.resource_version())) return;
      // It was made again under its name: the event is about its predecessor.
      if (at->packed.uid() != object.uid && !object.uid.empty()) return;
    }
    std::string topic = Subscribers::ObjectTopic(id);
    if (state.deleted.insert_or_assign(topic, std::string(object.resource_version)).second) {
      state.deleted_order.push_back(std::move(topic));
      if (state.deleted_order.size() > kDeletedRemembered) {
        state.deleted.erase(state.deleted_order.front());
        state.deleted_order.pop_front();
      }
    }
    if (at == entries_.end()) return;
    change = Apply(at, PackedObject(), feed);
  }
  Tell(change);
}

void ObjectStore::BeginList(std::uint16_t feed) {
  const MutexLock lock(mutex_);
  FeedState& state = feeds_[feed];
  ++state.stream;
  state.deleted.clear();
  state.deleted_order.clear();
}

void ObjectStore::EraseAll(std::uint16_t feed, const std::function<bool(const Entry&)>& which) {
  std::vector<Change> changes;
  {
    const MutexLock lock(mutex_);
    std::vector<ObjectId> gone;
    std::vector<PackedObject> keep_alive;
    for (const Entry& entry : entries_) {
      if (entry.feed != feed || !which(entry)) continue;
      keep_alive.push_back(entry.packed);
      gone.push_back(keep_alive.back().id());
    }
    for (const ObjectId& id : gone) {
      changes.push_back(Apply(entries_.find(id), PackedObject(), feed));
    }
  }
  for (const Change& change : changes) Tell(change);
}

void ObjectStore::EndList(std::uint16_t feed) {
  const MutexLock writer(writer_mutex_);
  std::uint32_t stream = 0;
  {
    const MutexLock lock(mutex_);
    stream = feeds_[feed].stream;
  }
  EraseAll(feed, [stream](const Entry& entry) { return entry.stream != stream; });
  const MutexLock lock(mutex_);
  feeds_[feed].synced = true;
  feeds_[feed].current_at = clock_.Steady();
  synced_.NotifyAll();
}

void ObjectStore::DropList(std::uint16_t feed) {
  const MutexLock writer(writer_mutex_);
  std::uint32_t stream = 0;
  {
    const MutexLock lock(mutex_);
    stream = feeds_[feed].stream;
  }
  EraseAll(feed, [stream](const Entry& entry) { return entry.first_stream == stream; });
}

void ObjectStore::EndFeed(std::uint16_t feed) {
  const MutexLock lock(mutex_);
  FeedState& state = feeds_[feed];
  if (state.connected) state.current_at = clock_.Steady();
  state.connected = false;
  state.ended = true;
  if (state.last_error.empty()) state.last_error = "no longer watched";
}

}  // namespace downwardfs::client
