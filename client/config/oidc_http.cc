// SPDX-License-Identifier: Apache-2.0
// The adapter over libcurl for the few requests to an OpenID Connect provider. Blocking; each has a
// handle of its own.
#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "client/config/oidc_token.h"

namespace downwardfs::client {
namespace {

constexpr std::size_t kLongestOidcAnswer = std::size_t{1} << 20;

std::size_t TakeAnswer(char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > kLongestOidcAnswer) return 0;
  body.append(bytes, size * count);
  return size * count;
}

class CurlOidcHttp final : public OidcHttp {
 public:
  explicit CurlOidcHttp(const OidcConfig& config)
      : ca_file_(config.ca_file), ca_pem_(config.ca_pem) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  }

  Result<Answer> Send(const std::string& url, const std::string& form, const std::string& user,
                      const std::string& password, std::chrono::milliseconds limit) override {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(),
                                                                   &curl_easy_cleanup);
    if (!easy) return Fail(ErrorCode::kResourceExhausted, "out of memory");
    Answer answer;
    CURL* const curl = easy.get();
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &TakeAnswer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    if (!form.empty()) curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, form.c_str());
    if (!user.empty()) {
      curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      curl_easy_setopt(curl, CURLOPT_USERNAME, user.c_str());
      curl_easy_setopt(curl, CURLOPT_PASSWORD, password.c_str());
    }
    std::string pem = ca_pem_;
    curl_blob blob = {pem.data(), pem.size(), CURL_BLOB_NOCOPY};
    if (!ca_pem_.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    } else if (!ca_file_.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
    }
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
      return Fail(
          code == CURLE_OPERATION_TIMEDOUT ? ErrorCode::kDeadlineExceeded : ErrorCode::kUnavailable,
          url + ": " + curl_easy_strerror(code));
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
  }

 private:
  const std::string ca_file_;
  const std::string ca_pem_;
};

}  // namespace

std::unique_ptr<OidcHttp> MakeOidcHttp(const OidcConfig& config) {
  return std::make_unique<CurlOidcHttp>(config);
}

}  // namespace downwardfs::client
