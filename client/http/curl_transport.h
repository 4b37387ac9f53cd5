// SPDX-License-Identifier: Apache-2.0
//
// The Transport over libcurl, set up from a ClusterConfig. It asks for credentials and reads
// rotating files with each request (on the caller's thread: an exec plugin may take its time),
// sends the request again once after a 401 if that brought other credentials or another client
// certificate, and once after a TLS refusal if the files have changed, and follows redirects within
// the same server only. Secrets appear in no message and no log. Owned by whoever talks to one
// cluster; any thread.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "client/config/cluster_config.h"
#include "client/http/client_identity.h"
#include "client/http/curl_loop.h"
#include "client/http/loop_generations.h"
#include "client/http/request_target.h"
#include "client/http/transport.h"
#include "client/http/trust_anchors.h"

namespace downwardfs::client {

/// See the head of this file. Destroying it cancels the requests under way.
class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(ClusterConfig config, const Clock& clock = Clock::Real(),
                         LivenessLimits liveness = {});
  ~CurlTransport() override;

  Result<HttpResponse> Perform(const HttpRequest& request, ResponseHandler& handler,
                               Cancellation* cancellation) override;
  void Shutdown() override { config_.credentials->Cancel(); }
  std::string Description() const override { return config_.server; }
  std::string Identity() const override;
  bool ClusterWide() const override { return config_.cluster_wide; }

 private:
  Result<TransferSpec> MakeSpec(const Credentials& credentials, bool reread_files);
  Status SetTls(TransferSpec* spec, const Credentials& credentials, bool reread);
  void SetProxy(TransferSpec* spec, const UrlParts& url) const;
  Result<HttpResponse> Send(const HttpRequest& request, const Credentials& credentials,
                            bool reread_files, ResponseHandler& handler,
                            Cancellation* cancellation);

  const ClusterConfig config_;
  const Clock& clock_;
  /// No compression is asked for until then: an answer expanded too far.
  std::atomic<Clock::SteadyTime::rep> uncompressed_until_ = 0;
  TrustAnchors trust_;
  ClientIdentity identity_;
  LoopGenerations loop_;
};

}  // namespace downwardfs::client
