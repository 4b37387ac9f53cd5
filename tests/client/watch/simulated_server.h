// SPDX-License-Identifier: Apache-2.0
//
// A busy API server without sockets, for tests under a fake clock: 100 pods that change, a token
// that expires, watches that end or break every few minutes, compactions, errors. It answers on the
// thread that asks, and time passes while it does. Owned by a test; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "client/config/credential_provider.h"
#include "client/http/transport.h"
#include "tests/fakes/fake_clock.h"

namespace downwardfs::client {

/// See the head of this file.
class SimulatedServer final : public Transport {
 public:
  /// Requests carry what `credentials` gives; a 401 makes them ask it once more, as the transport
  /// with sockets does.
  SimulatedServer(FakeClock& clock, std::shared_ptr<CredentialProvider> credentials, unsigned seed);

  Result<HttpResponse> Perform(const HttpRequest& request, ResponseHandler& handler,
                               Cancellation*) override;
  std::string Description() const override { return "https://simulated"; }
  std::string Identity() const override { return "nobody"; }

  /// Only this token is good from now on.
  void Accept(const std::string& token) { token_ = token; }
  /// Compacts to the newest version: who has not seen it must list.
  void Compact();

  /// While true nothing goes wrong and nothing changes, so that a client can catch up.
  bool calm = false;
  std::map<std::string, std::string> pods;  ///< name -> uid@version

  struct Counters {
    int changes = 0, lists = 0, watches = 0, broken = 0, expired = 0, refused = 0, errors = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Past {
    int version;
    std::string line;
  };

  bool Chance(int per_mille) {
    return !calm && std::uniform_int_distribution<int>(0, 999)(random_) < per_mille;
  }
  int Number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  bool Authorized();
  std::string Pod(const std::string& name, const std::string& uid, int version) const;
  void Touch(int i);
  Status Send(ResponseHandler& handler, const std::string& text);
  Status List(ResponseHandler& handler);
  Status Watch(const std::string& target, ResponseHandler& handler);

  FakeClock& clock_;
  const std::shared_ptr<CredentialProvider> credentials_;
  std::mt19937 random_;
  std::string token_;
  int version_ = 1;
  int compacted_ = 0;
  std::vector<Past> history_;
  Counters counters_;
};

}  // namespace downwardfs::client
