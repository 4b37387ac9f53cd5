// SPDX-License-Identifier: Apache-2.0
#include "client/http/curl_loop.h"

#include <algorithm>

#include "client/http/connection_liveness.h"
#include "client/http/curl_transfer.h"
#include "client/http/local_cause.h"

namespace downwardfs::client {
namespace {

// Nothing to wait for: sockets and Wake() end the wait.
constexpr std::chrono::milliseconds kLongWait{600'000};

CURLM* MakeMulti() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  return once == CURLE_OK ? curl_multi_init() : nullptr;
}

}  // namespace

struct CurlLoop::Multi {
  CURLM* handle = MakeMulti();
  // Without a descriptor to be woken by, curl makes a handle all the same.
  bool wakes = handle != nullptr && curl_multi_wakeup(handle) == CURLM_OK;
  ~Multi() { curl_multi_cleanup(handle); }
};

CurlLoop::CurlLoop(const Clock& clock, LivenessLimits liveness)
    : clock_(clock),
      multi_(std::make_unique<Multi>()),
      liveness_(std::make_unique<ConnectionLiveness>(liveness, clock)),
      thread_("dwfs-http", [this] { Loop(); }) {}

CurlLoop::~CurlLoop() {
  Stop();
  thread_.Join();
}

void CurlLoop::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  Wake();
}

bool CurlLoop::usable() const {
  return multi_->wakes;
}

void CurlLoop::Wake() {
  curl_multi_wakeup(multi_->handle);
}

TransferResult CurlLoop::Run(const TransferSpec& spec, const HttpRequest& request,
                             ResponseHandler& handler, Cancellation* cancellation) {
  if (!usable()) {
    TransferResult result;
    result.fault = TransferFault::kLocal;
    result.detail = LocalCause(DescriptorShortage()).value_or("libcurl cannot be set up");
    return result;
  }
  Transfer transfer(spec, request, handler, clock_);
  if (!transfer.SetUp()) return std::move(transfer.result());
  {
    const MutexLock lock(mutex_);
    if (stopping_) {
      transfer.End(CURLE_ABORTED_BY_CALLBACK);
      return std::move(transfer.result());
    }
    incoming_.push_back(&transfer);
  }
  int hook = 0;
  if (cancellation != nullptr) {
    hook = cancellation->AddHook([this, &transfer] {
      transfer.cancel = true;
      Wake();
    });
  }
  Wake();
  {
    const MutexLock lock(mutex_);
    while (!transfer.done) finished_.Wait(mutex_);
  }
  if (cancellation != nullptr) cancellation->RemoveHook(hook);
  return std::move(transfer.result());
}

void CurlLoop::Finish(std::vector<Transfer*>* active, Transfer* transfer) {
  curl_multi_remove_handle(multi_->handle, transfer->easy());
  active->erase(std::remove(active->begin(), active->end(), transfer), active->end());
  if (liveness_->Finished(transfer)) return;
  const MutexLock lock(mutex_);
  transfer->done = true;  // its thread may go on, and destroy it
  finished_.NotifyAll();
}

bool CurlLoop::TakeIncoming(std::vector<Transfer*>* active) {
  std::vector<Transfer*> incoming;
  bool stopping = false;
  {
    const MutexLock lock(mutex_);
    incoming.swap(incoming_);
    stopping = stopping_;
  }
  for (Transfer* transfer : incoming) Begin(active, transfer);
  return stopping;
}

void CurlLoop::Begin(std::vector<Transfer*>* active, Transfer* transfer) {
  active->push_back(transfer);
  if (curl_multi_add_handle(multi_->handle, transfer->easy()) == CURLM_OK) return;
  transfer->End(CURLE_FAILED_INIT);
  Finish(active, transfer);
}

void CurlLoop::EndLost(std::vector<Transfer*>* active, std::chrono::milliseconds* wait) {
  std::vector<Transfer*> questions;
  for (Transfer* transfer : liveness_->Look(*active, &questions, wait)) {
    transfer->Lose();
    Finish(active, transfer);
  }
  for (Transfer* question : questions) Begin(active, question);
  if (!questions.empty()) *wait = std::chrono::milliseconds(0);
}

void CurlLoop::EndOverdue(std::vector<Transfer*>* active, std::chrono::milliseconds* wait) {
  const auto now = clock_.Steady();
  for (std::size_t i = 0; i < active->size();) {
    Transfer* transfer = (*active)[i];
    const auto deadline = transfer->Deadline();
    if (transfer->cancel || deadline <= now) {
      transfer->End(transfer->cancel ? CURLE_ABORTED_BY_CALLBACK : CURLE_OPERATION_TIMEDOUT);
      Finish(active, transfer);
      continue;
    }
    if (deadline != Clock::SteadyTime::max()) {
      *wait = std::min(*wait, std::chrono::ceil<std::chrono::milliseconds>(deadline - now));
    }
    ++i;
  }
}

void CurlLoop::ReadFinished(std::vector<Transfer*>* active) {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_->handle, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    for (Transfer* transfer : *active) {
      if (transfer->easy() != message->easy_handle) continue;
      transfer->End(code);
      Finish(active, transfer);
      break;
    }
  }
}

void CurlLoop::Loop() {
  if (!usable()) return;
  std::vector<Transfer*> active;
  for (;;) {
    const bool stop = TakeIncoming(&active);
    if (stop) {
      // Run() refuses what comes later.
      for (Transfer* transfer : active) transfer->cancel = true;
    }
    int running = 0;
    if (!stop) curl_multi_perform(multi_->handle, &running);
    ReadFinished(&active);
    auto wait = kLongWait;
    EndOverdue(&active, &wait);
    if (stop) return;
    EndLost(&active, &wait);
    // curl's own timers shorten the wait.
    curl_multi_poll(multi_->handle, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
}

}  // namespace downwardfs::client
