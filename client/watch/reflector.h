// SPDX-License-Identifier: Apache-2.0
//
// Keeps a store's feed equal to one collection of an API server: lists, watches, and starts over
// when it must, as the ReflectorMachine says. ReflectorSession does one step at a time on whatever
// thread calls it; Reflector is the thread around it.
//
// Objects and callbacks of the store run on the transport's thread while bodies come in, and on the
// reflector's thread at the end of a list.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker_thread.h"
#include "client/api/api_client.h"
#include "client/store/object_store.h"
#include "client/watch/fault_log.h"
#include "client/watch/list_limit.h"
#include "client/watch/reflector_machine.h"

namespace downwardfs::client {

/// The objects to follow, and how.
struct ReflectorOptions {
  /// A collection: no name. One object is followed with the selector metadata.name=...
  ResourcePath path;
  TypeHint hint;               ///< {"Pod", "v1"}
  std::string field_selector;  ///< "metadata.name=web", "spec.nodeName=n1"; empty: all
  std::string label_selector;
  bool streaming_lists = true;
  ReflectorTiming timing;
  SplitterLimits limits;
  /// Told of each failure, and with null of each complete list and each watch that runs, after the
  /// feed knows. On the reflector's thread or the transport's: must not block.
  std::function<void(const ApiFailure*)> on_outcome = {};
};

/// Pods of a namespace (of all if empty), with a field selector (or none).
ReflectorOptions PodReflectorOptions(std::string ns, std::string field_selector = {});
/// One node by name; all if empty.
ReflectorOptions NodeReflectorOptions(const std::string& name = {});
/// One Namespace by name; all if empty.
ReflectorOptions NamespaceReflectorOptions(const std::string& name = {});

/// One collection, step by step. The steps are for one thread at a time.
class ReflectorSession {
 public:
  /// `store` outlives it. `seed` is for the jitter.
  ReflectorSession(std::shared_ptr<Transport> transport, ObjectStore& store,
                   ReflectorOptions options, const Clock& clock, unsigned seed);

  /// Does what is due (a page of a list, a whole watch) and returns when to call again; in the past
  /// for "now".
  Clock::SteadyTime Step(Cancellation* cancellation);

  /// See ReflectorMachine::Hurry().
  void Hurry() { machine_.Hurry(); }

 private:
  void List(const ReflectorMachine::Step& step, Cancellation* cancellation);
  void Watch(const ReflectorMachine::Step& step, Cancellation* cancellation);
  Status OnEvent(const WatchEvent& event);
  void BeginList();
  void ListComplete();
  void Connected();
  void Failed(const ApiFailure& failure);
  ListQuery Query(const ReflectorMachine::Step& step) const;

  const ReflectorOptions options_;
  const Clock& clock_;
  ApiClient client_;
  const std::unique_ptr<ObjectStore::Feed> feed_;
  ReflectorMachine machine_;
  ListLimit limit_;
  bool in_list_ = false;  // a page, or initial events

  // Written by the transport's thread while this one waits for it.
  Clock::SteadyTime heard_at_{};
  bool stopped_by_verdict_ = false;
  bool stopped_by_error_ = false;
  ApiFailure error_event_;
  FaultLog fault_log_;
};

/// A session on a thread of its own. Destroying it ends the request under way and joins.
class Reflector {
 public:
  Reflector(std::shared_ptr<Transport> transport, ObjectStore& store, ReflectorOptions options,
            const Clock& clock = Clock::Real());
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  /// The server is known to answer: the next attempt is made now. Any thread; does not wait.
  void Hurry() EXCLUDES(mutex_);

 private:
  void Run();

  ReflectorSession session_;
  Cancellation cancellation_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool hurry_ GUARDED_BY(mutex_) = false;
  WorkerThread thread_;
};

}  // namespace downwardfs::client
