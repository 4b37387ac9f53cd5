// SPDX-License-Identifier: Apache-2.0
//
// Who we are to the API server, at this moment: tokens rotate in files and come out of plugins, so
// a request asks a provider each time instead of holding a string. Providers are shared by every
// connection to one server; any thread may call any method.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace downwardfs::client {

/// What one request carries. All empty: anonymous. Never log or print any of it.
struct Credentials {
  std::string bearer_token;  ///< sent as "Authorization: Bearer ..."; wins over basic
  std::string username;      ///< basic authentication
  std::string password;
  std::string client_cert_pem;  ///< both or neither; they replace the ClusterConfig's pair
  std::string client_key_pem;

  bool operator==(const Credentials&) const = default;
};

/// Delivers credentials.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;

  /// The credentials to use now. `force_refresh` says that the server has just refused (401) what
  /// Get returned before: the source is then asked again. Callers that come while a refresh is
  /// under way share its outcome; if it yields equal Credentials, trying again at once is useless.
  /// May block: 60 s at most, while an exec plugin runs. Not for an event loop; see TryGet.
  virtual Result<Credentials> Get(bool force_refresh) = 0;

  /// What Get(false) would return, if it is at hand without waiting; nothing otherwise.
  virtual std::optional<Credentials> TryGet() = 0;

  /// For messages: "token file /run/token", "exec plugin aws"; never a secret.
  virtual std::string Description() const = 0;
};

/// No credentials.
std::shared_ptr<CredentialProvider> AnonymousCredentials();

/// Credentials that never change. `description`: "token of user dev in /home/me/.kube/config".
std::shared_ptr<CredentialProvider> FixedCredentials(Credentials credentials,
                                                     std::string description);

}  // namespace downwardfs::client
