// SPDX-License-Identifier: Apache-2.0
#include "sources/patient_client.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace downwardfs {
namespace {

constexpr std::chrono::milliseconds kBetweenAttempts{500};

}  // namespace

PatientClient::PatientClient(const ServerAccess& access,
                             std::optional<std::chrono::milliseconds> wait)
    : wait_(wait),
      transport_(std::make_shared<DeadlineTransport>(access.transport)),
      client_(transport_) {}

template <class Ask>
auto PatientClient::Patiently(const Ask& ask) -> Result<typename decltype(ask())::value_type> {
  const bool once = wait_ && wait_->count() == 0;
  const bool given = wait_ && !once;
  transport_->Restart(given ? *wait_ : kDefaultWait, given);
  for (bool said = false;; said = true) {
    auto answer = ask();
    if (answer) return std::move(*answer);
    Error error = std::move(answer.error().error);
    if (once || !WorthRetrying(error)) return Fail(std::move(error));
    const auto asked = answer.error().retry_after.value_or(std::chrono::seconds(0));
    const auto pause = std::max<std::chrono::milliseconds>(kBetweenAttempts, asked);
    if (transport_->Left() <= pause) return Fail(std::move(error));
    if (!said) SayWaiting(error.message);
    std::this_thread::sleep_for(pause);
  }
}

Result<std::string> PatientClient::Get(const client::ResourcePath& path) {
  return Patiently([&] { return client_.Get(path); });
}

Result<std::vector<std::string>> PatientClient::List(const client::ResourcePath& path) {
  return Patiently([&] { return client_.List(path); });
}

}  // namespace downwardfs
