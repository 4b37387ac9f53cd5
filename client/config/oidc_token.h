// SPDX-License-Identifier: Apache-2.0
//
// `auth-provider: {name: oidc}` of a kubeconfig: a bearer token that an OpenID Connect provider has
// issued, and that a refresh token renews. Shared by all connections; any thread. Source: client-go
// plugin/pkg/client/auth/oidc. One difference: renewed tokens stay in memory, for the kubeconfig
// is not ours to write. A provider whose refresh tokens serve once so ends the file's own.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "client/config/credential_provider.h"

namespace downwardfs::client {

/// The provider's `config`, decoded.
struct OidcConfig {
  std::string issuer_url;
  std::string client_id;
  std::string client_secret;
  std::string id_token;
  std::string refresh_token;
  std::string ca_file;  ///< of the provider; neither of both: the system's CAs
  std::string ca_pem;
};

/// One HTTP exchange with an OpenID Connect provider.
class OidcHttp {
 public:
  struct Answer {
    long status = 0;
    std::string body;
  };

  virtual ~OidcHttp() = default;

  /// GET, or POST of `form` if it is not empty. `user` and `password` are sent as basic
  /// authentication if `user` is not empty. At most `limit`.
  virtual Result<Answer> Send(const std::string& url, const std::string& form,
                              const std::string& user, const std::string& password,
                              std::chrono::milliseconds limit) = 0;
};

/// Over libcurl, https and http, trusting `config`'s CA. Follows no redirect.
std::unique_ptr<OidcHttp> MakeOidcHttp(const OidcConfig& config);

/// See the head of this file.
class OidcToken final : public CredentialProvider {
 public:
  /// `whose`: "user \"dev\" of FILE".
  OidcToken(OidcConfig config, std::string whose, std::unique_ptr<OidcHttp> http,
            const Clock& clock);

  Result<Credentials> Get(bool force_refresh) override;
  Result<Credentials> GetWithin(bool force_refresh, std::chrono::milliseconds limit) override;
  std::optional<Credentials> TryGet() override;
  std::string Description() const override { return "id-token of " + whose_; }

 private:
  OidcConfig Now() const EXCLUDES(mutex_);
  /// The config with renewed tokens.
  Result<OidcConfig> Refresh(OidcConfig config, std::chrono::milliseconds limit) const;
  Result<std::string> TokenEndpoint(const std::string& issuer,
                                    std::chrono::milliseconds limit) const;

  const std::string whose_;
  const std::unique_ptr<OidcHttp> http_;
  const Clock& clock_;
  Mutex refreshing_;  // held over a refresh, which others share; taken before mutex_
  mutable Mutex mutex_;
  OidcConfig config_ GUARDED_BY(mutex_);
};

/// When the JWT `token` ends, by its claim `exp`. kInvalidArgument: it is not a JWT with one.
Result<std::chrono::system_clock::time_point> JwtExpiry(const std::string& token);

}  // namespace downwardfs::client
