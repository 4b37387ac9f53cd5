// SPDX-License-Identifier: Apache-2.0
#include "client/http/client_identity.h"

#include <utility>

#include "base/text.h"

namespace downwardfs::client {
namespace {

std::unique_ptr<RotatingFile> File(const std::string& data, const std::string& path,
                                   const Clock& clock) {
  if (!data.empty() || path.empty()) return nullptr;
  return std::make_unique<RotatingFile>(path, clock, ClientIdentity::kInterval);
}

std::string Name(const std::string& data, const std::string& path, const std::string& field) {
  return data.empty() ? field + " " + path : field + "-data";
}

}  // namespace

ClientIdentity::ClientIdentity(const ClusterConfig& config, const Clock& clock)
    : given_(!config.client_cert_pem.empty() || !config.client_cert_file.empty()),
      data_{config.client_cert_pem, config.client_key_pem},
      names_{Name(config.client_cert_pem, config.client_cert_file, "client-certificate"),
             Name(config.client_key_pem, config.client_key_file, "client-key")},
      whose_(config.user_name.empty() ? config.origin
                                      : "user " + QuoteForMessage(config.user_name)),
      cert_file_(given_ ? File(config.client_cert_pem, config.client_cert_file, clock) : nullptr),
      key_file_(given_ ? File(config.client_key_pem, config.client_key_file, clock) : nullptr) {}

Result<ClientIdentity::Raw> ClientIdentity::Read(bool reread) const {
  Raw raw = data_;
  if (cert_file_) {
    auto bytes = cert_file_->Get(reread);
    if (!bytes) return Fail(std::move(bytes.error()), whose_ + ": client-certificate");
    raw.cert = **bytes;
  }
  if (key_file_) {
    auto bytes = key_file_->Get(reread);
    if (!bytes) return Fail(std::move(bytes.error()), whose_ + ": client-key");
    raw.key = **bytes;
  }
  return raw;
}

Result<TlsIdentity> ClientIdentity::Get(bool reread) {
  if (!given_) return TlsIdentity{};
  const MutexLock lock(mutex_);
  for (bool again = reread || failed_;; again = true) {
    failed_ = true;
    auto raw = Read(again);
    if (!raw) return Fail(std::move(raw.error()));
    if (checked_.cert_pem.empty() || *raw != raw_) {
      auto checked = CheckTlsIdentity(raw->cert, raw->key, names_);
      if (!checked && rotates() && !again) continue;
      if (!checked) return Fail(std::move(checked.error()), whose_);
      raw_ = std::move(*raw);
      checked_ = std::move(*checked);
    }
    failed_ = false;
    return checked_;
  }
}

}  // namespace downwardfs::client
