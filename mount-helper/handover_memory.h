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
// A process that is killed at any moment leaves it consistent: a record of the handover log counts
// from when the area's `used` is stored, a copy from when `current` is. The file is sealed against
// shrinking, so that no daemon can make the holder fault. The holder looks, trusts nothing, and
// clears `working` of the slots when a daemon has died.
//
// One daemon writes: the one whose token stands in `owner` (Claim()). It proves that before each
// reply to the kernel and each write (Prove()). The process that starts daemons takes the token
// away from one that is dead or killed (FenceOff()) before it starts the next. So a daemon that is
// not quite gone ends at its next step, and never serves beside another one.
#pragma once

#include <atomic>
#include <cstddef>
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
  unsigned char unused[40];          ///< a mutex of earlier builds
  std::atomic<std::uint64_t> owner;  ///< the token of the daemon that may write; 0: nobody may
  /// Daemons that have begun to read this memory and have not come to its end.
  std::atomic<std::uint32_t> readers_lost;
  std::uint32_t init_checksum;  ///< CRC-32 of the saved FUSE_INIT; 0: an earlier build saved it
};
static_assert(sizeof(HandoverHeader) <= 4096);
static_assert(offsetof(HandoverHeader, owner) % alignof(std::uint64_t) == 0);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

class HandoverMemory {
 public:
  /// Makes the file, empty. The holder's.
  static Result<OwnedFd> Create();
  /// Maps it and checks the header: kFailedPrecondition names what does not fit.
  static Result<HandoverMemory> Map(int fd);
  /// The same for the daemon that serves from now on: whoever had the memory before is fenced off.
  static Result<HandoverMemory> Claim(int fd);
  /// For the parent of daemons: none has the memory any more. `blameless`: what the last one died
  /// of has nothing to do with what it has read here. Does nothing if the file does not fit.
  static void FenceOff(int fd, bool blameless);

  /// Ends the process if this memory, which it has claimed, is another daemon's by now. Before each
  /// reply and each write. Does nothing for one who has only mapped it. Any thread.
  void Prove() const;

  /// So many daemons may die while they read a memory; the next one refuses it.
  static constexpr std::uint32_t kMostReadersLost = 3;
  /// A daemon begins to read what the one before it has left. kFailedPrecondition if too many have
  /// died of that.
  Status BeginReading() const;
  /// It has read all, and believes it.
  void EndReading() const;

  HandoverHeader& header() const { return *static_cast<HandoverHeader*>(base_.get()); }
  unsigned char* slot(std::uint32_t index) const;
  unsigned char* area(std::uint32_t index) const;
  /// Gives the pages of an area back to the system.
  void Clear(std::uint32_t area) const;

 private:
  struct Unmap {
    void operator()(void* base) const;
  };
  explicit HandoverMemory(void* base) : base_(base) {}
  std::unique_ptr<void, Unmap> base_;
  std::uint64_t token_ = 0;  // 0: mapped, and not claimed
};

}  // namespace downwardfs
