// SPDX-License-Identifier: Apache-2.0
//
// Keeps each request in the handover memory from before the first byte of it is read until it is
// dealt with, so that the next daemon can take care of what this one leaves behind when it is
// killed, and does so for what the one before has left.
//
// Read(), Begin() and Finished() are called by the serving threads, each with its own slot
// (request_in_work.h); the rest before anybody serves.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "mount-helper/handover_memory.h"

namespace downwardfs {

class RequestMemory;

class RequestRecovery {
 public:
  /// Both outlive it. `done` has read what the daemon before us has recorded.
  RequestRecovery(const HandoverMemory& memory, RequestMemory& done);

  /// read(2) of one request, by way of the calling thread's slot. One that must not be processed is
  /// answered here; then -1 and EINTR: try again.
  ssize_t Read(int device, void* buffer, std::size_t size);
  /// The request of the calling thread's slot has been dealt with.
  void Finished();

  // For the requests that the daemon before us has left:

  /// The raw FUSE_INIT request; empty if none was ever read. kFailedPrecondition if it is damaged.
  Result<std::string> SavedInit() const;
  /// Whether the kernel has said with it that it can send requests again (Linux 6.9).
  static bool KernelResends(const std::string& init);
  /// Begins with the INIT that it read and did not answer; false if there is no such request. The
  /// kernel sends nothing else before it has that answer, so the request still lies in its slot.
  bool BeginInit();
  /// The raw requests that it read and did not finish. kFailedPrecondition if one is damaged.
  Result<std::vector<std::string>> Unanswered(bool forgets_only) const;
  /// All that the daemon before us has left is read, and believed.
  void EndReading() const { memory_.EndReading(); }
  /// Before each reply: the mount is ours to serve (handover_memory.h).
  void Prove() const { memory_.Prove(); }
  /// These requests are answered EIO: daemons have died of them.
  void Refuse(std::vector<std::uint64_t> poison) { poison_ = std::move(poison); }
  /// Begins with one of Unanswered(); false if nothing is to be done.
  bool Begin(const std::string& request, int device);
  /// FUSE_NOTIFY_RESEND (Linux 6.9).
  void AskForResend(int device) const;

  void SwallowReplies(bool swallow) { swallow_ = swallow; }
  bool swallows_replies() const { return swallow_; }
  /// The request in work is one of Unanswered(): the kernel may have the answer already.
  bool answers_again() const { return again_; }

 private:
  bool Admit(const unsigned char* request, std::size_t size, int device);
  void MakeResident(std::uint32_t slot);
  void SaveInit(const unsigned char* request, std::size_t size);

  const HandoverMemory& memory_;
  RequestMemory& done_;
  std::vector<std::uint64_t> poison_;
  std::array<bool, kMaxSlots> resident_{};  // each for its own thread
  std::atomic<bool> swallow_{false};
  std::atomic<bool> again_{false};
};

}  // namespace downwardfs
