// SPDX-License-Identifier: Apache-2.0
//
// Get, list, watch, create, update, patch, apply, delete and discover any resource of a Kubernetes
// API server, and its subresources (ResourcePath::subresource: "status", "scale", "eviction").
// Objects go in and out as JSON text: no types are generated, whatever the server has can be used.
// Subresources that are not JSON ("log", "exec", "proxy") are not supported. Owned by the caller;
// holds no state but its transport, so any thread may call any method, many at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/api/api_failure.h"
#include "client/api/resource.h"
#include "client/http/transport.h"
#include "client/wire/splitter.h"

namespace downwardfs::client {

/// The parameters of one list or watch besides its resource.
struct ListQuery {
  QueryParameters parameters;  ///< "fieldSelector", "limit", "resourceVersion", ...
  TypeHint hint;               ///< of the items, for lists that do not say their kind
  /// Of a watch: how long the server may take to accept it; zero: for ever.
  std::chrono::milliseconds head_limit{30'000};
  /// Silence that ends the request; zero: none does. If it is not given, a minute for a list and
  /// none for a watch, which has nothing to say while nothing happens.
  std::optional<std::chrono::milliseconds> idle_limit;
  bool ends_with_silence = false;  ///< as HttpRequest's
  std::chrono::milliseconds total_limit{0};
  SplitterLimits limits;
};

/// Takes what a watch delivers. Runs on the transport's thread: must not block.
struct WatchHandler {
  std::function<void()> started;  ///< the server has accepted the watch
  std::function<Status(const WatchEvent&)> event;
};

/// A resource type, as discovery lists it.
struct ApiResource {
  std::string group;
  std::string version;
  std::string resource;  ///< "pods", "pods/status"
  std::string kind;
  bool namespaced = false;
  std::vector<std::string> verbs;
};

/// Options of a write. Source: the query parameters of the API reference.
struct WriteOptions {
  /// The owner of the fields that the write sets; empty: the server takes it from the User-Agent.
  std::string field_manager;
  bool dry_run = false;  ///< the server checks and answers, and stores nothing
  /// Reaction to unknown and repeated fields: "Ignore", "Warn" or "Strict"; empty: the server's
  /// own.
  std::string field_validation;
};

/// The form of a patch.
enum class PatchType {
  kMerge,           ///< JSON merge patch (RFC 7386): null removes, a list replaces the list
  kStrategicMerge,  ///< lists are merged by their keys; not for custom resources
  kJson,            ///< JSON patch (RFC 6902): a list of operations
};

/// See the head of this file.
class ApiClient {
 public:
  explicit ApiClient(std::shared_ptr<Transport> transport) : transport_(std::move(transport)) {}

  /// One object's JSON.
  ApiResult<std::string> Get(const ResourcePath& path, Cancellation* cancel = nullptr) const;

  /// One page of a list: `item` is called for each, while they come in (on the transport's thread).
  ApiResult<ListMeta> ListPage(const ResourcePath& path, const ListQuery& query,
                               ListSplitter::ItemHandler item,
                               Cancellation* cancel = nullptr) const;

  /// Every object's JSON, without managedFields, page by page. `selectors`: "labelSelector", ...
  ApiResult<std::vector<std::string>> List(const ResourcePath& path,
                                           const QueryParameters& selectors = {},
                                           Cancellation* cancel = nullptr) const;

  /// Runs until the server ends the watch (done) or something fails; ERROR events are given to the
  /// handler. `watch=true` is added to the query.
  ApiResult<void> Watch(const ResourcePath& path, const ListQuery& query,
                        const WatchHandler& handler, Cancellation* cancel = nullptr) const;

  // Writes return the object as the server stored it. They are defined in api_writes.cc. A path
  // that is no object's own (no name, or "..") is refused with kInvalidArgument before anything is
  // sent.

  /// `path` names the collection, or an object and its subresource ("eviction").
  ApiResult<std::string> Create(const ResourcePath& path, std::string json,
                                Cancellation* cancel = nullptr) const {
    return Create(path, std::move(json), WriteOptions(), cancel);
  }
  ApiResult<std::string> Create(const ResourcePath& path, std::string json,
                                const WriteOptions& options, Cancellation* cancel = nullptr) const;

  /// Replaces the object. If `json` has a metadata.resourceVersion and the stored object has
  /// another, the failure has status 409 and reason "Conflict": read it again and repeat.
  ApiResult<std::string> Update(const ResourcePath& path, std::string json,
                                const WriteOptions& options = {},
                                Cancellation* cancel = nullptr) const;

  /// Changes the object by a patch.
  ApiResult<std::string> Patch(const ResourcePath& path, PatchType type, std::string patch,
                               const WriteOptions& options = {},
                               Cancellation* cancel = nullptr) const;

  /// Server-side apply: creates the object, or makes its fields those of `json` and takes back the
  /// fields that the manager applied before and `json` no longer has. options.field_manager is
  /// required. A field of another manager is a failure with status 409, unless `force` takes it.
  ApiResult<std::string> Apply(const ResourcePath& path, std::string json,
                               const WriteOptions& options, bool force = false,
                               Cancellation* cancel = nullptr) const;

  /// Deletes one object, never a collection.
  /// Returns the server's answer: the object on its way out, or a Status. `options`: a
  /// metav1.DeleteOptions as JSON, or nothing.
  ApiResult<std::string> Delete(const ResourcePath& path, std::string options = {},
                                Cancellation* cancel = nullptr) const;

  /// Any path of the server: "/version", "/apis". For what has no method of its own.
  ApiResult<std::string> GetRaw(const std::string& target, Cancellation* cancel = nullptr) const;

  /// The versions of every group, "v1" and "apps/v1", the server's preferred version first.
  ApiResult<std::vector<std::string>> GroupVersions(Cancellation* cancel = nullptr) const;
  /// The resources of one of them.
  ApiResult<std::vector<ApiResource>> Resources(const std::string& group_version,
                                                Cancellation* cancel = nullptr) const;

  const Transport& transport() const { return *transport_; }
  /// For messages about an answer to `verb` of `path`.
  ApiQuestion Question(const std::string& verb, const ResourcePath& path) const;

 private:
  ApiResult<std::string> Unary(const ApiQuestion& question, HttpRequest request,
                               Cancellation* cancel) const;
  ApiResult<void> Stream(const ApiQuestion& question, const HttpRequest& request,
                         std::function<void()> started,
                         std::function<Status(std::string_view)> body,
                         const std::function<Status()>& end, Cancellation* cancel) const;
  ApiResult<std::string> Write(const std::string& verb, const ResourcePath& path,
                               HttpRequest request, const WriteOptions& options, bool force,
                               Cancellation* cancel) const;

  std::shared_ptr<Transport> transport_;
};

}  // namespace downwardfs::client
