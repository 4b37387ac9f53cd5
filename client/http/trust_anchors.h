// SPDX-License-Identifier: Apache-2.0
//
// Whom to trust as the server and as an https proxy, as it is now: the configuration's CA, whose
// file may rotate, or the system's. Bundles are checked once for each content. Owned by the
// transport; any thread.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "client/config/cluster_config.h"
#include "client/config/rotating_file.h"
#include "client/http/tls_hook.h"

namespace downwardfs::client {

/// One of the two is set.
struct Trust {
  std::string ca_pem;  ///< the configuration's
  std::shared_ptr<const TrustStore> system;

  bool operator==(const Trust&) const = default;
};

class TrustAnchors {
 public:
  TrustAnchors(const ClusterConfig& config, const Clock& clock);

  /// `reread`: a certificate has just been refused for what it brought before.
  Result<Trust> Get(bool reread);

  /// For messages: "CA file /etc/ca.pem", "one of the system's CAs (SSL_CERT_FILE=/x)".
  std::string Describe() const;

 private:
  const std::string data_;
  const std::string origin_;
  const std::unique_ptr<RotatingFile> file_;
  mutable Mutex mutex_;
  std::string raw_ GUARDED_BY(mutex_);
  std::size_t digest_ GUARDED_BY(mutex_) = 0;  // of the system's CAs
  Trust trust_ GUARDED_BY(mutex_);
  std::string problem_ GUARDED_BY(mutex_);  // of the system's CAs
};

}  // namespace downwardfs::client
