// SPDX-License-Identifier: Apache-2.0
#include "client/config/credential_provider.h"

#include <algorithm>
#include <utility>

namespace downwardfs::client {
namespace {

class Fixed final : public CredentialProvider {
 public:
  Fixed(Credentials credentials, std::string description)
      : credentials_(std::move(credentials)), description_(std::move(description)) {}

  Result<Credentials> Get(bool) override { return credentials_; }
  std::optional<Credentials> TryGet() override { return credentials_; }
  std::string Description() const override { return description_; }

 private:
  const Credentials credentials_;
  const std::string description_;
};

}  // namespace

Status CheckBearerToken(std::string_view token) {
  if (token.empty()) return Fail(ErrorCode::kInvalidArgument, "the token is empty");
  if (std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument,
              "the token contains white space or bytes that no token has; is it the right file?");
}

std::shared_ptr<CredentialProvider> AnonymousCredentials() {
  static const auto anonymous = std::make_shared<Fixed>(Credentials{}, "no credentials");
  return anonymous;
}

std::shared_ptr<CredentialProvider> FixedCredentials(Credentials credentials,
                                                     std::string description) {
  return std::make_shared<Fixed>(std::move(credentials), std::move(description));
}

}  // namespace downwardfs::client
