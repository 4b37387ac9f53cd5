// SPDX-License-Identifier: Apache-2.0
//
// The objects of one cluster that we follow, as immutable snapshots. Readers take what they want at
// any time and from any thread; each reflector writes through a Feed of its own. Objects that a
// feed delivered stay when its server goes away: State() says how old it is.
//
// A change is applied under `mutex_`, then its subscribers are called without it. `writer_mutex_`
// makes that pair one step, so that callbacks come one at a time and in order.
// Lock order: writer_mutex_, then mutex_. A callback must not write to the store.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/object_source.h"
#include "client/store/packed_object.h"
#include "client/store/subscribers.h"

namespace downwardfs::client {

/// See the head of this file. Outlives its feeds and subscriptions.
class ObjectStore final : public ObjectSource {
 public:
  class Feed;

  struct Options {
    /// From so many objects on they are kept compressed; the first ones train the dictionary. Below
    /// it the dictionary (some 150 KB with its tables) would cost more than it saves.
    std::size_t compress_from = 128;
  };

  explicit ObjectStore(std::string description, const Clock& clock = Clock::Real());
  ObjectStore(std::string description, const Clock& clock, Options options);
  ~ObjectStore() override;

  ObjectPtr Get(const ObjectKey& key) const override;
  std::vector<ObjectPtr> List(const std::string& kind) const override;
  std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) override;
  SourceState State() const override;

  /// Every change of an object of that kind.
  std::unique_ptr<Subscription> SubscribeKind(const std::string& kind, ChangeCallback callback);

  std::size_t size() const;
  /// The size of all objects together, as they are kept.
  std::size_t bytes() const;

  /// Waits until every feed has delivered its first complete list. False when `deadline` passed.
  bool WaitUntilSynced(std::chrono::steady_clock::time_point deadline) const;

  /// A new writer. Before the first feed the store is empty and not connected. It takes over what a
  /// feed that has ended left here (of several, the oldest): its first complete list says which of
  /// those objects are still there.
  std::unique_ptr<Feed> AddFeed();

 private:
  struct Entry {
    PackedObject packed;
    mutable std::uint16_t feed;
    /// In which of its feed's streams it was last seen.
    mutable std::uint32_t stream;
    std::uint32_t first_stream;  // in which it came, before all that changed it
  };
  // Found by ObjectId, without making an Entry.
  struct EntryHash {
    using is_transparent = void;
    std::size_t operator()(const Entry& e) const { return ObjectIdHash{}(e.packed.id()); }
    std::size_t operator()(const ObjectId& id) const { return ObjectIdHash{}(id); }
  };
  struct EntryEqual {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const { return a.packed.id() == b.packed.id(); }
    bool operator()(const ObjectId& a, const Entry& b) const { return a == b.packed.id(); }
  };
  using Entries = std::unordered_set<Entry, EntryHash, EntryEqual>;

  struct FeedState {
    std::uint32_t stream = 0;
    bool ended = false;
    bool synced = false;
    bool connected = false;
    std::string last_error;
    std::string last_fault;
    Clock::SteadyTime last_fault_at{};
    std::uint64_t faults = 0;
    std::string resource_version;
    /// When what it delivered was last known to be current; nothing before its first list.
    std::optional<Clock::SteadyTime> current_at;
    /// Deletions of this stream, so that a late event does not bring an object back.
    std::unordered_map<std::string, std::string> deleted;
    std::deque<std::string> deleted_order;
  };

  // One change to tell of, with those who asked to know.
  struct Change {
    PackedObject before;
    PackedObject after;
    std::vector<SubscriberPtr> subscribers;
  };
  class Registration;

  std::unique_ptr<Subscription> Register(Subscribers::Topic topic, std::string text,
                                         ChangeCallback callback);
  ObjectPtr Reader(const PackedObject& packed) const REQUIRES(mutex_);
  void CompressAll() REQUIRES(mutex_);
  Change Apply(const Entries::iterator& at, PackedObject after, std::uint16_t feed)
      REQUIRES(mutex_);
  void Tell(const Change& change) EXCLUDES(mutex_);

  // The feeds' calls.
  void BeginList(std::uint16_t feed);
  void Put(std::uint16_t feed, const ObjectView& object);
  void Remove(std::uint16_t feed, const ObjectView& object);
  void EndList(std::uint16_t feed);
  void DropList(std::uint16_t feed);
  void EraseAll(std::uint16_t feed, const std::function<bool(const Entry&)>& which);
  void EndFeed(std::uint16_t feed);

  const std::string description_;
  const Clock& clock_;
  const Options options_;

  Mutex writer_mutex_;
  mutable Mutex mutex_;
  mutable CondVar synced_;
  Entries entries_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  Subscribers subscribers_ GUARDED_BY(mutex_);
  std::deque<FeedState> feeds_ GUARDED_BY(mutex_);
  std::shared_ptr<const ObjectCodec> codec_ GUARDED_BY(mutex_);
  bool codec_failed_ GUARDED_BY(mutex_) = false;
};

/// One reflector's way in. Its methods are for one thread at a time. Objects of different feeds
/// must not overlap. Destroying it leaves the objects, for the next feed, and marks this one as
/// ended.
class ObjectStore::Feed {
 public:
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// A new stream: a list, and the watches that continue it. Objects show as they are put.
  void BeginList();
  /// An object that was not put since BeginList() is gone from the server: it is deleted here.
  void EndList();
  /// The stream is given up for good, and what it has brought that was not there before: an endless
  /// list fills nothing, however often it is tried.
  void DropList();

  /// An item of the list or an ADDED or MODIFIED event. Within a stream a state that is older than
  /// the one that is held does nothing; neither does one that is the same.
  void Put(const ObjectView& object);
  /// A DELETED event.
  void Remove(const ObjectView& object);

  /// The stream has reached this version (a list's, an event's, a bookmark's).
  void Reached(std::string_view resource_version);
  /// The watch runs; what is held is current.
  void Connected();
  /// The objects here were last known to be current at `since`. `error` is one line.
  void Disconnected(const std::string& error, Clock::SteadyTime since);
  /// Something failed, however soon it is mended. State() keeps the last one and counts them.
  void Faulted(const std::string& error);

 private:
  friend class ObjectStore;
  Feed(ObjectStore& store, std::uint16_t index) : store_(store), index_(index) {}
  ObjectStore& store_;
  const std::uint16_t index_;
};

}  // namespace downwardfs::client
