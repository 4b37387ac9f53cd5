// SPDX-License-Identifier: Apache-2.0
//
// The memory that outlives a daemon: a memfd that the holder makes, keeps, and hands to each daemon
// of the mount in turn. docs/handover.md describes it byte by byte. It has
//
//   the header      what is below, one page;
//   the slots       one per serving thread: the raw request that the thread is working on;
//   two log areas   records of the state that the kernel may still refer to
//   (fs/volume/handover_log.h);
//                   one of them is current, the other is where the next compact copy is written.
//
// Whoever is killed at any moment leaves it consistent: a record of the handover log counts from
// when the area's `used` is stored, a copy from when `current` is. The file is sealed against
// shrinking, so that no daemon can make the holder fault. One daemon writes; the holder looks,
// trusts nothing, and clears `working` of the slots when a daemon has died.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

inline constexpr std::uint64_t kHandoverMagic = 0x3153465744574F44;  // "DOWDWFS1"
inline constexpr std::uint32_t kHandoverFormat = 1;
inline constexpr std::uint32_t kMaxSlots = 8;
// The kernel wants room for the largest request: a write of kMaxWrite bytes and its headers, and
// at least FUSE_MIN_READ_BUFFER (8192).
inline constexpr std::uint32_t kMaxWrite = 4096;
inline constexpr std::uint32_t kSlotBytes = 12288;
inline constexpr std::uint64_t kAreaBytes = std::uint64_t{64} << 20;  // sparse: what is used counts

// Set in the `unique` of a request that the kernel sends again (linux/fuse.h, FUSE_UNIQUE_RESEND).
inline constexpr std::uint64_t kResentBit = std::uint64_t{1} << 63;

struct HandoverSlot {
  /// The `unique` of the last request of this slot that was dealt with. Another one in the raw
  /// bytes was read and not answered.
  std::atomic<std::uint64_t> done;
  /// The `unique` of the request that the thread is working on, from when it begins.
  std::atomic<std::uint64_t> working;
};

struct HandoverArea {
  std::atomic<std::uint64_t> used;  ///< bytes of whole records
};

struct HandoverHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t header_bytes;
  std::uint32_t slots;
  std::uint32_t slot_bytes;
  std::uint64_t area_bytes;
  std::atomic<std::uint32_t> current;    ///< the area whose records count: 0 or 1
  std::atomic<std::uint32_t> init_size;  ///< of the saved FUSE_INIT request; 0: none yet
  /// Set by a daemon that can no longer record what it does: its successor must not attach.
  std::atomic<std::uint32_t> lost;
  /// When what is shown was last known to be current, in seconds of CLOCK_BOOTTIME; 0: not known.
  std::atomic<std::uint32_t> current_at;
  char pod_uid[64];         ///< of the pod that the volume is bound to; empty: not known
  unsigned char init[256];  ///< the raw FUSE_INIT request, which the kernel sends once per mount
  HandoverArea area[2];
  HandoverSlot slot[kMaxSlots];
  /// Robust and process-shared; held by the daemon's main thread for as long as it lives.
  pthread_mutex_t life;
};
static_assert(sizeof(HandoverHeader) <= 4096);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

class HandoverMemory {
 public:
  /// Makes the file, empty. The holder's.
  static Result<OwnedFd> Create();
  /// Maps it and checks the header: kFailedPrecondition names what does not fit.
  static Result<HandoverMemory> Map(int fd);

  HandoverHeader& header() const { return *static_cast<HandoverHeader*>(base_.get()); }
  unsigned char* slot(std::uint32_t index) const;
  unsigned char* area(std::uint32_t index) const;
  /// The daemon's: says that the calling thread lives. It is to be the main thread, whose death is
  /// seen even while another thread of the process hangs in the kernel and keeps it from being
  /// reaped.
  void HoldLife() const;
  /// The holder's: a thread has called HoldLife() and died since the last answer of true.
  bool LifeLost() const;

  /// Gives the pages of an area back to the system.
  void Clear(std::uint32_t area) const;

 private:
  struct Unmap {
    void operator()(void* base) const;
  };
  explicit HandoverMemory(void* base) : base_(base) {}
  std::unique_ptr<void, Unmap> base_;
};

}  // namespace downwardfs
