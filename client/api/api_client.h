// SPDX-License-Identifier: Apache-2.0
//
// Get, list, watch, create, delete and discover any resource of a Kubernetes API server. Objects go
// in and out as JSON text: no types are generated, whatever the server has can be used. Owned by
// the caller; holds no state but its transport, so any thread may call any method, many at a time.
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

/// What one list or watch asks for besides its resource.
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

  /// `path` names the collection. Returns the object as the server made it.
  ApiResult<std::string> Create(const ResourcePath& path, std::string json,
                                Cancellation* cancel = nullptr) const;

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

  std::shared_ptr<Transport> transport_;
};

}  // namespace downwardfs::client
