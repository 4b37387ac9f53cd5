// SPDX-License-Identifier: Apache-2.0
//
// The objects of --pod-file and --node-file, kept up to date while the files change (see
// watched_file.h for when they are read). A file that breaks or goes away leaves its last good
// objects in place: one log line says so, State() shows it, and one line tells when it is good
// again. A pod that is no longer in a good file has been deleted.
//
// Owned by main(). Open() reads the files and starts no thread, since the program may fork between
// Open() and Start(). One thread of its own does the rest; callbacks run on it, see
// base/object_source.h. All methods of ObjectSource: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/object_source.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "base/stoppable_thread.h"
#include "sources/manifest.h"
#include "sources/subscriptions.h"
#include "sources/watched_file.h"

namespace downwardfs {

/// See the head of this file. An object's resource_version is its metadata.resourceVersion, or
/// "file-N" where it has none: N counts the changes of the files, and is the one that brought the
/// object's present state. Its uid is its metadata.uid, or empty.
class FileSource final : public ObjectSource {
 public:
  /// Reads both files; `node_file` may be empty. Errors name the file and the rule. `clock`
  /// outlives the source.
  static Result<std::unique_ptr<FileSource>> Open(const std::string& pod_file,
                                                  const std::string& node_file, const Clock& clock,
                                                  PodDefaults defaults = PodDefaults::kNone);
  /// Stops the thread; waits for a running callback.
  ~FileSource() override { thread_.Stop(); }

  /// Begins to watch the files. Call once. Changes since Open() are noticed too.
  Status Start();

  ObjectPtr Get(const ObjectKey& key) const override;
  std::vector<ObjectPtr> List(const std::string& kind) const override;
  std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) override;
  SourceState State() const override;

 private:
  using Objects =
      std::map<std::tuple<std::string, std::string, std::string>, ObjectPtr>;  // kind, ns, name
  struct Failure {
    std::string message;
    Clock::SteadyTime since;
  };
  // The objects of one of the files: pods and ConfigMaps and the like for env, or nodes.
  struct Shown {
    std::string description;
    Objects objects;
    std::optional<Failure> failure;
  };
  struct Change {
    ObjectPtr before;
    ObjectPtr after;
  };

  explicit FileSource(const Clock& clock) : clock_(clock) {}

  Status Add(const std::string& path, WatchedFile::Parser parser);
  void Run(int stop);
  /// Waits for an event of a file or for a deadline; false once the source is to stop.
  bool Wait(int stop) const;
  /// Puts in the objects of the good file `index` and tells the subscribers.
  void Install(std::size_t index, const WatchedFile::Content& content);
  /// The objects of `content`; those that did not change are the ones in `old`.
  Objects MakeObjects(const Shown& old, const WatchedFile::Content& content,
                      std::vector<Change>& changes) REQUIRES(mutex_);
  void Break(std::size_t index, const std::string& message);

  const Clock& clock_;
  Subscriptions subscriptions_;
  std::vector<WatchedFile> files_;  // the thread's, once it runs
  mutable Mutex mutex_;
  std::vector<Shown> shown_ GUARDED_BY(mutex_);  // one per file
  std::uint64_t revision_ GUARDED_BY(mutex_) = 0;
  StoppableThread thread_;  // last: it uses the others
};

}  // namespace downwardfs
