// SPDX-License-Identifier: Apache-2.0
//
// ConfigMaps, Secrets and Services for the environment of a container, each got once from an API
// server. Used by one thread at a time.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fs/projection/env.h"
#include "sources/patient_client.h"
#include "sources/server_access.h"

namespace downwardfs {

/// See the head of this file. The data of a Secret is in the result alone, in no message.
class ApiEnvObjects final : public EnvObjects {
 public:
  /// `wait`: for each object, as OnceSource's for the pod.
  ApiEnvObjects(const ServerAccess& access, std::optional<std::chrono::milliseconds> wait)
      : client_(access, wait) {}

  Result<Data> ConfigMap(const std::string& ns, const std::string& name) override;
  Result<Data> Secret(const std::string& ns, const std::string& name) override;
  Result<std::vector<nlohmann::json>> Services(const std::string& ns, bool links) override;

 private:
  Result<Data> Get(const char* resource, const std::string& ns, const std::string& name);

  PatientClient client_;
  std::map<std::string, Result<Data>> got_;  // by "resource/ns/name"
};

}  // namespace downwardfs
