// SPDX-License-Identifier: Apache-2.0
//
// One curl easy handle and what belongs to it. Lives on the stack of the thread that waits for it;
// between Start and its end only the loop's thread touches it, but for the flags. For
// curl_loop.cc and curl_transfer.cc only: it shows curl's types.
#pragma once

#include <curl/curl.h>
#include <sys/types.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/http/connect_phases.h"
#include "client/http/curl_loop.h"
#include "client/http/gzip_decoder.h"
#include "client/http/tls_hook.h"

namespace downwardfs::client {

/// See the head of this file.
class CurlLoop::Transfer {
 public:
  Transfer(const TransferSpec& spec, const HttpRequest& request, ResponseHandler& handler,
           const Clock& clock);

  /// Sets up the handle. False if curl refuses an option; then result() says why.
  bool SetUp();

  CURL* easy() const { return easy_.get(); }
  TransferResult& result() { return result_; }

  /// When to give up if nothing more happens; max() for never.
  Clock::SteadyTime Deadline();

  /// curl is done with it (or we are: `code` is then what fits).
  void End(CURLcode code);
  /// Its connection is dead.
  void Lose();

  const TransferSpec& spec() const { return spec_; }
  TransferFault fault() const { return result_.fault; }
  /// When the last byte of the answer came; nothing if there was none.
  std::optional<Clock::SteadyTime> heard() const { return heard_; }
  /// Which connection it is on, as long as it is; 0 if on none yet.
  long LocalPort() const;
  /// The answer comes over HTTP/2. False before it begins.
  bool IsHttp2() const;

  std::atomic<bool> cancel{false};
  bool done = false;  ///< guarded by the loop's mutex

 private:
  struct Free {
    void operator()(CURL* p) const { curl_easy_cleanup(p); }
    void operator()(curl_slist* p) const { curl_slist_free_all(p); }
  };

  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnSocket(void* self, curl_socket_t fd, curlsocktype purpose);

  static int OnResolve(void* resolver, void* reserved, void* self);
  static int OnSent(void* self, char* peer, char* own, int peer_port, int own_port);
  static CURLcode OnTlsContext(CURL* easy, void* ssl_context, void* self);

  template <class T>
  void Set(CURLoption option, T value) {
    if (set_up_ == CURLE_OK) set_up_ = curl_easy_setopt(easy_.get(), option, value);
  }
  // curl_transfer_connect.cc
  void SetTls();
  void SetPhases();
  void NoteSocket(curl_socket_t fd);
  bool HasConnectedSocket() const;
  void Observe();
  bool AtProxy() const;
  void SetBlame();
  // curl_transfer.cc
  void SetConnection();
  bool HeadComplete();
  std::vector<std::string_view> Fields(const char* name) const;
  Status PrepareDecoder();
  bool TakeBody(std::string_view bytes);
  Status TakeDecoded(std::string_view bytes);
  void DecodingFailed(Error error);
  bool Successful() const {
    return result_.response.status >= 200 && result_.response.status < 300;
  }
  std::string LimitMet() const;
  void Heard() { heard_ = last_byte_ = clock_.Steady(); }
  bool BlameThisMachine(CURLcode code);

  const TransferSpec& spec_;
  const HttpRequest& request_;
  ResponseHandler& handler_;
  const Clock& clock_;
  std::unique_ptr<CURL, Free> easy_;
  std::unique_ptr<curl_slist, Free> headers_;
  std::unique_ptr<curl_slist, Free> connect_to_;
  char error_text_[CURL_ERROR_SIZE] = {};
  CURLcode set_up_ = CURLE_OK;
  Clock::SteadyTime started_;
  Clock::SteadyTime last_byte_;
  std::optional<GzipDecoder> decoder_;  ///< of a compressed body
  bool skip_body_ = false;              ///< an error's body that cannot be decoded (further)
  const std::shared_ptr<TlsNotes> tls_ = std::make_shared<TlsNotes>();
  ConnectPhases::Observed progress_;
  const ConnectLimits limits_;
  ConnectPhases phases_;
  bool past_dial_ = false;
  std::vector<std::pair<int, ino_t>> sockets_;  // that curl opened for it, with their inodes
  std::optional<Clock::SteadyTime> heard_;
  int socket_errno_ = 0;
  bool handler_failed_ = false;
  /// kEncoding or kExpansion once decoding has failed.
  TransferFault decoding_fault_ = TransferFault::kNone;
  TransferResult result_;
};

}  // namespace downwardfs::client
