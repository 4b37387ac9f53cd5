// SPDX-License-Identifier: Apache-2.0
//
// Single objects of an API server for commands that answer a person once (render, env, exec): an
// object that cannot be had for a reason that may pass (the server is away, busy or broken) is
// asked for again, with a line at standard error, as long as the person waits. One thread at a
// time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/api/api_client.h"
#include "sources/deadline_transport.h"
#include "sources/server_access.h"

namespace downwardfs {

/// How long such a command waits for a server unless it is told.
inline constexpr std::chrono::milliseconds kDefaultWait{10'000};

/// See the head of this file.
class PatientClient {
 public:
  /// `wait`: for each object, all told; zero: it is asked for once, as kubectl does. Nothing: for
  /// kDefaultWait, which is for the server alone (deadline_transport.h).
  PatientClient(const ServerAccess& access, std::optional<std::chrono::milliseconds> wait);

  /// The object's JSON. The server's Retry-After is honoured where that is within the wait.
  Result<std::string> Get(const client::ResourcePath& path);
  /// The JSON of every object of a collection, in the same way.
  Result<std::vector<std::string>> List(const client::ResourcePath& path);

  /// For messages.
  std::string server() const { return transport_->Description(); }

 private:
  template <class Ask>
  auto Patiently(const Ask& ask) -> Result<typename decltype(ask())::value_type>;

  const std::optional<std::chrono::milliseconds> wait_;
  const std::shared_ptr<DeadlineTransport> transport_;
  const client::ApiClient client_;
};

}  // namespace downwardfs
