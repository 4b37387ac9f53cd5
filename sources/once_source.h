// SPDX-License-Identifier: Apache-2.0
//
// A pod of an API server as it is now, for commands that show it once (render, env, exec): one get
// of the pod and, if they are required, of its node and namespace; nothing is watched. Needs RBAC
// `get` only. Used by the main thread alone.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/object_source.h"
#include "base/result.h"
#include "client/store/object_store.h"
#include "sources/patient_client.h"
#include "sources/server_access.h"

namespace downwardfs {

/// See the head of this file.
class OnceSource final : public ObjectSource {
 public:
  struct Options {
    ObjectKey pod;
    /// How long a server that is away is asked again; zero: it is asked once.
    std::optional<std::chrono::milliseconds> wait;
    bool nodes = true;  ///< false: the node stays unknown
  };

  /// Gets the pod. kNotFound at once if the server has no such pod.
  static Result<std::unique_ptr<OnceSource>> Open(const ServerAccess& access, Options options);
  ~OnceSource() override;

  ObjectPtr Get(const ObjectKey& key) const override { return store_.Get(key); }
  std::vector<ObjectPtr> List(const std::string& kind) const override { return store_.List(kind); }
  std::unique_ptr<Subscription> Subscribe(ObjectKey key, Callback callback) override;
  void Require(const ObjectKey& key) override;
  SourceState State() const override;
  bool IsServer() const override { return true; }

 private:
  OnceSource(const ServerAccess& access, Options options);
  Status Fetch(const client::ResourcePath& path, const char* kind);

  const Options options_;
  PatientClient client_;
  client::ObjectStore store_;
  const std::unique_ptr<client::ObjectStore::Feed> feed_;
  std::set<std::string> required_;  ///< KIND/NAME
  std::string other_error_;         ///< why one of them is not known
};

}  // namespace downwardfs
