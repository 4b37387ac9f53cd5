// SPDX-License-Identifier: Apache-2.0
//
// A bearer token in a file that is replaced now and then (ServiceAccount tokens live for minutes to
// an hour). It is read again at least once a minute and when the server refuses it; a file that
// vanishes keeps its last token until then. Shared by all connections; any thread.
// Source: client-go transport/token_source.go.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "client/config/credential_provider.h"
#include "client/config/rotating_file.h"

namespace downwardfs::client {

/// See the head of this file.
class TokenFile final : public CredentialProvider {
 public:
  /// `fallback` is used while the file cannot be read (a kubeconfig may give both); may be empty.
  explicit TokenFile(std::string path, std::string fallback = "",
                     const Clock& clock = Clock::Real());

  Result<Credentials> Get(bool force_refresh) override;
  std::optional<Credentials> TryGet() override;
  std::string Description() const override { return "token file " + file_.path(); }

 private:
  RotatingFile file_;
  const std::string fallback_;
};

}  // namespace downwardfs::client
