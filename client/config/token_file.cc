// SPDX-License-Identifier: Apache-2.0
#include "client/config/token_file.h"

#include <string_view>
#include <utility>

namespace downwardfs::client {
namespace {

Result<Credentials> TokenOf(std::string_view bytes, const std::string& path) {
  static constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t start = bytes.find_first_not_of(kSpace);
  const std::size_t end = bytes.find_last_not_of(kSpace);
  const std::string_view token =
      start == std::string_view::npos ? "" : bytes.substr(start, end - start + 1);
  if (auto checked = CheckBearerToken(token); !checked) {
    return Fail(std::move(checked.error()), "token file " + path);
  }
  Credentials credentials;
  credentials.bearer_token = token;
  return credentials;
}

}  // namespace

TokenFile::TokenFile(std::string path, std::string fallback, const Clock& clock)
    : file_(std::move(path), clock), fallback_(std::move(fallback)) {}

Result<Credentials> TokenFile::Get(bool force_refresh) {
  const auto bytes = file_.Get(force_refresh);
  auto token = bytes ? TokenOf(**bytes, file_.path())
                     : Result<Credentials>(Fail(bytes.error(), "token file"));
  if (token || fallback_.empty()) return token;
  Credentials credentials;
  credentials.bearer_token = fallback_;
  return credentials;
}

std::optional<Credentials> TokenFile::TryGet() {
  const auto bytes = file_.Fresh();
  if (!bytes) return std::nullopt;
  auto token = TokenOf(*bytes, file_.path());
  if (!token) return std::nullopt;
  return std::move(*token);
}

}  // namespace downwardfs::client
