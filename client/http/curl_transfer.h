// SPDX-License-Identifier: Apache-2.0
//
// One curl easy handle and what belongs to it. Lives on the stack of the thread that waits for it;
// between Start and its end only the loop's thread touches it, but for the flags. For
// curl_loop.cc and curl_transfer.cc only: it shows curl's types.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "client/http/curl_loop.h"

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
  Clock::SteadyTime Deadline() const;

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

  template <class T>
  void Set(CURLoption option, T value);
  void SetTls();
  void SetConnection();
  bool HeadComplete();
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
  std::optional<Clock::SteadyTime> heard_;
  int socket_errno_ = 0;
  bool handler_failed_ = false;
  TransferResult result_;
};

}  // namespace downwardfs::client
