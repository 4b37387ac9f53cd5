// SPDX-License-Identifier: Apache-2.0
//
// Our identity to the API server, at this moment: tokens rotate in files and come out of plugins,
// so a request asks a provider each time instead of holding a string. Providers are shared by every
// connection to one server; any thread may call any method.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs::client {

/// The credentials of one request. All empty: anonymous. Never log or print any of it.
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
  /// May block while an exec plugin runs: 60 s at most, 5 minutes where the plugin may ask a person
  /// at the terminal. Not for an event loop; see TryGet.
  virtual Result<Credentials> Get(bool force_refresh) = 0;

  /// Get() for who cannot wait for long: a plugin that may ask nobody is ended after `limit` (zero:
  /// as Get()), with kDeadlineExceeded.
  virtual Result<Credentials> GetWithin(bool force_refresh, std::chrono::milliseconds limit) {
    static_cast<void>(limit);
    return Get(force_refresh);
  }

  /// The result of Get(false), if it is at hand without waiting; nothing otherwise.
  virtual std::optional<Credentials> TryGet() = 0;

  /// Makes Get calls that run and all later ones fail with kCancelled: the owner shuts down.
  virtual void Cancel() {}

  /// True if it runs a program, which then has the rights of this process.
  virtual bool RunsProgram() const { return false; }

  /// For messages: "token file /run/token", "exec plugin aws"; never a secret.
  virtual std::string Description() const = 0;
};

/// A token that can be sent in a header: not empty, visible ASCII only. The error does not print
/// it.
Status CheckBearerToken(std::string_view token);

/// No credentials.
std::shared_ptr<CredentialProvider> AnonymousCredentials();

/// Credentials that never change. `description`: "token of user dev in /home/me/.kube/config".
std::shared_ptr<CredentialProvider> FixedCredentials(Credentials credentials,
                                                     std::string description);

}  // namespace downwardfs::client
