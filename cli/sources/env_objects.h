// SPDX-License-Identifier: Apache-2.0
//
// ConfigMaps and Secrets for the environment of a container, each got once from an API server. Used
// by one thread at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cli/sources/deadline_transport.h"
#include "cli/sources/server_access.h"
#include "client/api/api_client.h"
#include "fs/projection/env.h"

namespace downwardfs {

/// See the head of this file. What a Secret holds is in the returned data alone, in no message.
class ApiEnvObjects final : public EnvObjects {
 public:
  explicit ApiEnvObjects(const ServerAccess& access)
      : transport_(std::make_shared<DeadlineTransport>(access.transport)), client_(transport_) {}

  Result<Data> ConfigMap(const std::string& ns, const std::string& name) override;
  Result<Data> Secret(const std::string& ns, const std::string& name) override;

 private:
  Result<Data> Get(const char* resource, const std::string& ns, const std::string& name);

  const std::shared_ptr<DeadlineTransport> transport_;
  const client::ApiClient client_;
  std::map<std::string, Result<Data>> got_;  // by "resource/ns/name"
};

}  // namespace downwardfs
