// SPDX-License-Identifier: Apache-2.0
//
// ConfigMaps and Secrets for the environment of a container, each got once from an API server. Used
// by one thread at a time.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "fs/projection/env.h"
#include "sources/patient_client.h"
#include "sources/server_access.h"

namespace downwardfs {

/// See the head of this file. What a Secret holds is in the returned data alone, in no message.
class ApiEnvObjects final : public EnvObjects {
 public:
  /// `wait`: for each object, as OnceSource's for the pod.
  ApiEnvObjects(const ServerAccess& access, std::optional<std::chrono::milliseconds> wait)
      : client_(access, wait) {}

  Result<Data> ConfigMap(const std::string& ns, const std::string& name) override;
  Result<Data> Secret(const std::string& ns, const std::string& name) override;

 private:
  Result<Data> Get(const char* resource, const std::string& ns, const std::string& name);

  PatientClient client_;
  std::map<std::string, Result<Data>> got_;  // by "resource/ns/name"
};

}  // namespace downwardfs
