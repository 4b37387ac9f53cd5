// SPDX-License-Identifier: Apache-2.0
//
// The one interface through which fs/ sees API objects: immutable snapshots and a notice when one
// changes. The file source (sources) and the watch store (client/) implement it; fs/ and client/
// do not know each other.
//
// All methods may be called by any thread. A callback runs on the source's own thread, one at a
// time per source, with no lock of the source held; it must not block and must not destroy its
// Subscription (the owner does, from another thread).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace downwardfs {

/// The identity of an object and of one state of it, as its metadata has it.
struct ObjectMeta {
  std::string kind;  ///< "Pod" or "Node"
  std::string ns;    ///< empty for a Node
  std::string name;
  std::string uid;
  std::string resource_version;  ///< opaque; empty where the source has none
};

/// One state of one API object. Immutable, shared with every reader that still needs it.
class Object {
 public:
  explicit Object(ObjectMeta meta) : meta_(std::move(meta)) {}
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  const ObjectMeta& meta() const { return meta_; }

  /// The object's JSON, without metadata.managedFields. A copy: a store may keep it compressed.
  virtual std::string Json() const = 0;

 private:
  ObjectMeta meta_;
};

/// An object whose JSON text is kept as it is.
class TextObject final : public Object {
 public:
  TextObject(ObjectMeta meta, std::string json) : Object(std::move(meta)), json_(std::move(json)) {}
  std::string Json() const override { return json_; }
  const std::string& text() const { return json_; }

 private:
  const std::string json_;
};

using ObjectPtr = std::shared_ptr<const Object>;

/// Which object: by kind and name, and by uid if it is given (a pod that was made again under the
/// same name has another uid and is another object).
struct ObjectKey {
  std::string kind;
  std::string ns;
  std::string name;
  std::string uid;

  bool Matches(const ObjectMeta& meta) const {
    return kind == meta.kind && ns == meta.ns && name == meta.name &&
           (uid.empty() || uid == meta.uid);
  }
};

/// The state of a source, as `status` shows it.
struct SourceState {
  std::string description;  ///< "file /home/me/pod.yaml", "https://10.0.0.1:6443"
  bool connected = false;   ///< the last read or watch succeeded and is still going on
  std::string last_error;   ///< one line; empty while all is well
  /// Why following failed last, also when it has gone on since; empty if it never did.
  std::string last_fault;
  std::uint64_t faults = 0;  ///< how often it did
  std::string resource_version;
  /// How long ago what is served was last known to be current; zero while connected.
  std::chrono::nanoseconds data_age{0};
};

/// Delivers objects. See the head of this file for the thread rule.
class ObjectSource {
 public:
  /// The object's new state, or nullptr once it has been deleted.
  using Callback = std::function<void(const ObjectPtr&)>;

  /// Keeps a callback registered; destroying it waits until a running call of it has returned.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };

  virtual ~ObjectSource() = default;

  /// The object's present state; nullptr if it is missing.
  virtual ObjectPtr Get(const ObjectKey& key) const = 0;

  /// Every object of that kind, in no particular order.
  virtual std::vector<ObjectPtr> List(const std::string& kind) const = 0;

  /// Calls back at each change of the object from now on. The present state is not delivered: call
  /// Get() after subscribing.
  virtual std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) = 0;

  /// Says that this object will be asked for. A source that follows only what it is told to begins
  /// with it, and may wait a few seconds for the first answer: not from a callback. To require
  /// an object again costs nothing.
  virtual void Require(const ObjectKey& key) { static_cast<void>(key); }

  virtual SourceState State() const = 0;

  /// Whether an API server is behind it, which may be newer than this build and know more fields.
  virtual bool IsServer() const { return false; }
};

}  // namespace downwardfs
