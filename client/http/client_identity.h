// SPDX-License-Identifier: Apache-2.0
//
// The client's certificate and key as they are now: read again when their files rotate, checked
// once for each content. A pair that is being replaced (a new certificate beside the old key) is
// read once more before it is an error; an error is read again at each request, so that the pair
// that mends it is used at once. Owned by the transport; any thread.
// Source: client-go transport/cert_rotation.go.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "client/config/cluster_config.h"
#include "client/config/rotating_file.h"
#include "client/config/tls_identity.h"

namespace downwardfs::client {

class ClientIdentity {
 public:
  /// A rotated certificate is found after so long at most, and at once when a server refuses it.
  static constexpr std::chrono::seconds kInterval{10};

  ClientIdentity(const ClusterConfig& config, const Clock& clock);

  /// There is a certificate in the configuration.
  bool given() const { return given_; }
  /// It is in files.
  bool rotates() const { return cert_file_ || key_file_; }

  /// Both halves empty if the client has no identity. `reread`: the last one has been refused.
  Result<TlsIdentity> Get(bool reread);

 private:
  struct Raw {
    std::string cert;
    std::string key;
    bool operator==(const Raw&) const = default;
  };
  Result<Raw> Read(bool reread) const;

  const bool given_;
  const Raw data_;
  const IdentityNames names_;
  const std::string whose_;
  const std::unique_ptr<RotatingFile> cert_file_;
  const std::unique_ptr<RotatingFile> key_file_;
  Mutex mutex_;
  bool failed_ GUARDED_BY(mutex_) = false;
  Raw raw_ GUARDED_BY(mutex_);
  TlsIdentity checked_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs::client
