// SPDX-License-Identifier: Apache-2.0
#include "sources/deadline_transport.h"

#include <algorithm>

namespace downwardfs {

void DeadlineTransport::Restart(std::chrono::milliseconds limit, bool hard) {
  hard_ = hard;
  deadline_ = std::chrono::steady_clock::now() + limit;
}

std::chrono::milliseconds DeadlineTransport::Left() const {
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::duration_cast<std::chrono::milliseconds>(
                      deadline_ - std::chrono::steady_clock::now()));
}

Result<client::HttpResponse> DeadlineTransport::Perform(const client::HttpRequest& request,
                                                        client::ResponseHandler& handler,
                                                        client::Cancellation* cancellation) {
  const auto left = std::max(Left(), std::chrono::milliseconds(100));
  const auto lower = [left](std::chrono::milliseconds limit) {
    return limit.count() == 0 ? left : std::min(limit, left);
  };
  client::HttpRequest limited = request;
  limited.idle_limit = lower(request.idle_limit);
  limited.total_limit = lower(request.total_limit);
  limited.dial_limit = lower(request.dial_limit);
  if (hard_) {
    limited.overall_limit = lower(request.overall_limit);
    limited.credentials_limit = lower(request.credentials_limit);
  }
  return inner_->Perform(limited, handler, cancellation);
}

}  // namespace downwardfs
