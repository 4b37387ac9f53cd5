// SPDX-License-Identifier: Apache-2.0
#include "client/http/trust_anchors.h"

#include <cstdlib>
#include <functional>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"
#include "client/config/ca_bundle.h"
#include "client/config/system_roots.h"

namespace downwardfs::client {
namespace {

std::string Setting(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr || *value == '\0') return "";
  return std::string(name) + "=" + value;
}

}  // namespace

TrustAnchors::TrustAnchors(const ClusterConfig& config, const Clock& clock)
    : data_(config.ca_pem),
      origin_(config.origin),
      file_(data_.empty() && !config.ca_file.empty()
                ? std::make_unique<RotatingFile>(config.ca_file, clock)
                : nullptr) {}

Result<Trust> TrustAnchors::Get(bool reread) {
  const MutexLock lock(mutex_);
  if (data_.empty() && !file_) {
    if (!trust_.system || reread) {
      auto roots = ReadSystemRoots(FindSystemRootPlaces());
      problem_ =
          roots.pems.empty() && roots.problem.empty() ? "none was found" : std::move(roots.problem);
      std::string raw;
      for (const std::string& pem : roots.pems) raw += pem;
      const std::size_t digest = std::hash<std::string>()(raw);
      if (!trust_.system || digest != digest_) trust_.system = MakeTrustStore(roots.pems);
      digest_ = digest;
    }
    return trust_;
  }
  std::string raw = data_;
  std::string name = "certificate-authority-data of " + origin_;
  if (file_) {
    auto bytes = file_->Get(reread);
    if (!bytes) return Fail(std::move(bytes.error()), "certificate authority");
    raw = **bytes;
    name = "certificate authority " + file_->path();
  }
  if (raw == raw_ && !trust_.ca_pem.empty()) return trust_;
  auto bundle = RequireCaBundle(raw, name);
  if (!bundle) return Fail(std::move(bundle.error()));
  if (bundle->passed_over > 0) {
    LogWarning("blocks of a CA bundle are passed over: they are no certificates or do not parse",
               {{log_keys::kFile, file_ ? file_->path() : name},
                {log_keys::kItem, std::to_string(bundle->passed_over)}});
  }
  raw_ = std::move(raw);
  trust_.ca_pem = std::move(bundle->pem);
  return trust_;
}

std::string TrustAnchors::Describe() const {
  if (file_) return "the CA of " + file_->path();
  if (!data_.empty()) return "the CA data of " + origin_;
  std::string text = "one of the system's CAs";
  std::string details;
  for (const char* name : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    if (const std::string setting = Setting(name); !setting.empty()) {
      details += (details.empty() ? "" : ", ") + setting;
    }
  }
  const MutexLock lock(mutex_);
  if (!problem_.empty()) details += (details.empty() ? "" : "; ") + problem_;
  return details.empty() ? text : text + " (" + details + ")";
}

}  // namespace downwardfs::client
