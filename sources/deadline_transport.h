// SPDX-License-Identifier: Apache-2.0
//
// A Transport for commands that answer a person once: what waits for the server ends by one
// deadline. A deadline that the person gave (hard) is for all that a request needs. Ours is not for
// a credential plugin, for a proxy that opens its tunnel and for TLS: these have limits of their
// own, and something is under way there. One thread at a time.
#pragma once

#include <chrono>
#include <memory>

#include "client/http/transport.h"

namespace downwardfs {

/// See the head of this file.
class DeadlineTransport final : public client::Transport {
 public:
  explicit DeadlineTransport(std::shared_ptr<client::Transport> inner) : inner_(std::move(inner)) {}

  /// From now on requests have `limit` together; a request gets at least a tenth of a second.
  void Restart(std::chrono::milliseconds limit, bool hard);
  std::chrono::milliseconds Left() const;

  Result<client::HttpResponse> Perform(const client::HttpRequest& request,
                                       client::ResponseHandler& handler,
                                       client::Cancellation* cancellation) override;
  void Shutdown() override { inner_->Shutdown(); }
  std::string Description() const override { return inner_->Description(); }
  std::string Identity() const override { return inner_->Identity(); }

 private:
  const std::shared_ptr<client::Transport> inner_;
  bool hard_ = false;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now();
};

}  // namespace downwardfs
