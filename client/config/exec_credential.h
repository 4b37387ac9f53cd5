// SPDX-License-Identifier: Apache-2.0
//
// Credentials from an exec plugin (aws, gke-gcloud-auth-plugin, kubelogin): a program that prints
// an ExecCredential. Its answer is kept until it expires or the server refuses it. One run at a
// time: callers that come meanwhile wait for it and share its outcome. Any thread; the run happens
// on the thread of the first caller. Owned by the ClusterConfig. Source:
// client.authentication.k8s.io v1beta1 and v1, client-go plugin/pkg/client/auth/exec.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "client/config/credential_provider.h"
#include "client/config/process.h"

namespace downwardfs::client {

/// The `exec` of a kubeconfig's user.
struct ExecSpec {
  enum class Interactive { kNever, kIfAvailable, kAlways };

  std::string api_version;  ///< client.authentication.k8s.io/v1 or .../v1beta1
  std::string command;      ///< an absolute path, or a name without a slash for $PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string install_hint;
  bool provide_cluster_info = false;
  Interactive interactive = Interactive::kIfAvailable;
};

/// The cluster, as a plugin with provideClusterInfo is told of it.
struct ExecCluster {
  std::string server;
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  std::string ca_pem;
  std::string ca_file;  ///< read at each run, if ca_pem is empty
  std::string proxy_url;
  bool disable_compression = false;
  std::string config_json;  ///< may be empty
};

/// The value of KUBERNETES_EXEC_INFO.
Result<std::string> ExecInfo(const ExecSpec& spec, const ExecCluster& cluster, bool interactive);

/// The credentials that a plugin printed.
struct ExecAnswer {
  Credentials credentials;
  std::optional<std::chrono::system_clock::time_point> expires;
};

/// Parses a plugin's standard output. Errors do not quote it.
Result<ExecAnswer> ParseExecAnswer(const std::string& output, const std::string& api_version);

/// See the head of this file.
class ExecCredential final : public CredentialProvider {
 public:
  /// A plugin that hangs is killed after this; the longer one where it may ask a person.
  static constexpr std::chrono::seconds kTimeout{60};
  static constexpr std::chrono::seconds kInteractiveTimeout{300};
  /// After a run, a forced refresh gets that run's answer for so long: ten connections that are all
  /// refused at the same moment start one plugin, not ten one after the other.
  static constexpr std::chrono::seconds kForceInterval{5};

  /// `origin` is for messages: "user dev of /home/me/.kube/config". `runner` and `clock` outlive
  /// it.
  ExecCredential(ExecSpec spec, ExecCluster cluster, std::string origin,
                 ProcessRunner& runner = ProcessRunner::Real(), const Clock& clock = Clock::Real());

  Result<Credentials> Get(bool force_refresh) override {
    return GetWithin(force_refresh, std::chrono::milliseconds(0));
  }
  Result<Credentials> GetWithin(bool force_refresh, std::chrono::milliseconds limit) override;
  std::optional<Credentials> TryGet() override;
  void Cancel() override;
  bool RunsProgram() const override { return true; }
  std::string Description() const override;

 private:
  bool Usable() const REQUIRES(mutex_);
  Result<ExecAnswer> Run(std::chrono::milliseconds limit);
  Error Explain(const ProcessOutput& output) const;

  const ExecSpec spec_;
  const ExecCluster cluster_;
  const std::string origin_;
  ProcessRunner& runner_;
  const Clock& clock_;
  CancelFlag cancel_;

  mutable Mutex mutex_;
  CondVar run_ended_;
  bool running_ GUARDED_BY(mutex_) = false;
  std::uint64_t runs_ GUARDED_BY(mutex_) = 0;           // that have ended
  std::optional<Error> last_error_ GUARDED_BY(mutex_);  // of the last run; none if it succeeded
  std::optional<ExecAnswer> answer_ GUARDED_BY(mutex_);
  Clock::SteadyTime answered_at_ GUARDED_BY(mutex_){};
};

}  // namespace downwardfs::client
