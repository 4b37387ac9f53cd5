// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/request_recovery.h"

#include <linux/fuse.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "fs/fuse/raw_request.h"
#include "fs/fuse/request_in_work.h"

namespace downwardfs {
namespace {

// linux/fuse.h of 6.9: FUSE_NOTIFY_RESEND, and FUSE_HAS_RESEND (bit 39) in the high half of the
// flags.
constexpr int kNotifyResend = 7;
constexpr std::uint32_t kHasResend = std::uint32_t{1} << (39 - 32);

fuse_in_header HeaderOf(const void* request) {
  fuse_in_header header = {};
  std::memcpy(&header, request, sizeof header);
  return header;
}

bool IsForget(const fuse_in_header& header) {
  return header.opcode == FUSE_FORGET || header.opcode == FUSE_BATCH_FORGET;
}

std::uint32_t Checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

tl::unexpected<Error> Damaged(const std::string& what) {
  return Fail(ErrorCode::kFailedPrecondition, "the handover memory is damaged: " + what);
}

void AnswerEio(int device, std::uint64_t unique) {
  fuse_out_header header = {};
  header.len = sizeof header;
  header.error = -EIO;
  header.unique = unique;
  // The caller may be gone.
  if (write(device, &header, sizeof header) < 0) return;
}

}  // namespace

RequestRecovery::RequestRecovery(const HandoverMemory& memory, RequestMemory& done)
    : memory_(memory), done_(done) {}

// The kernel must not have to fault a page in while it copies a request: with a SIGKILL pending
// that would end the request with EIO. A slot's pages are taken when its thread first serves the
// volume, since most volumes are served seldom.
void RequestRecovery::MakeResident(std::uint32_t slot) {
  if (resident_[slot]) return;
  resident_[slot] = true;
  for (std::uint32_t at = 0; at < kSlotBytes; at += 4096) {
    volatile unsigned char* const byte = memory_.slot(slot) + at;
    *byte = *byte;
  }
}

ssize_t RequestRecovery::Read(int device, void* buffer, std::size_t size) {
  Prove();
  MakeResident(request_in_work.slot);
  unsigned char* const slot = memory_.slot(request_in_work.slot);
  // No more than the caller has room for: the kernel fills what it is given with FORGETs.
  const ssize_t n = read(device, slot, std::min<std::size_t>(size, kSlotBytes));
  if (n < 0) return n;
  const auto bytes = static_cast<std::size_t>(n);
  if (!Admit(slot, bytes, device)) {
    Finished();
    errno = EINTR;  // there may be another one
    return -1;
  }
  std::memcpy(buffer, slot, bytes);
  return n;
}

// Whether the request is to be processed.
bool RequestRecovery::Admit(const unsigned char* request, std::size_t size, int device) {
  if (size < sizeof(fuse_in_header)) return true;  // libfuse will complain
  const fuse_in_header header = HeaderOf(request);
  const std::uint64_t unique = header.unique & ~kResentBit;
  if (header.opcode == FUSE_INIT) SaveInit(request, size);
  if ((header.unique & kResentBit) != 0) {
    if (std::find(poison_.begin(), poison_.end(), unique) != poison_.end()) {
      request_in_work.unique = unique;
      AnswerEio(device, header.unique);
      return false;
    }
    request_in_work.unique = 0;  // taking back is no part of the request
    done_.TakeBack(unique);
  }
  request_in_work.unique = unique;
  memory_.header().slot[request_in_work.slot].working = unique;
  return true;
}

void RequestRecovery::Finished() {
  memory_.header().slot[request_in_work.slot].done.store(request_in_work.unique,
                                                         std::memory_order_release);
  request_in_work.unique = 0;
  again_ = false;
}

void RequestRecovery::SaveInit(const unsigned char* request, std::size_t size) {
  HandoverHeader& header = memory_.header();
  if (size > sizeof header.init) return;
  std::memcpy(header.init, request, size);
  header.init_checksum = Checksum({reinterpret_cast<const char*>(request), size});
  header.init_size.store(static_cast<std::uint32_t>(size), std::memory_order_release);
}

Result<std::string> RequestRecovery::SavedInit() const {
  const HandoverHeader& header = memory_.header();
  const std::uint32_t size = header.init_size;
  if (size > sizeof header.init) return Damaged("the saved FUSE_INIT is too long");
  if (size == 0) {
    // It is the first request of all: with any other dealt with it must be there.
    for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
      const fuse_in_header left = HeaderOf(memory_.slot(i));
      const bool another = left.unique != 0 && left.opcode != FUSE_INIT;
      if (another || header.slot[i].done != 0) return Damaged("no saved FUSE_INIT");
    }
    return std::string();
  }
  std::string init(reinterpret_cast<const char*>(header.init), size);
  if (header.init_checksum != 0 && header.init_checksum != Checksum(init)) {
    return Damaged("the saved FUSE_INIT has another checksum");
  }
  if (auto good = CheckInit(init); !good) return Fail(std::move(good.error()));
  return init;
}

bool RequestRecovery::KernelResends(const std::string& request) {
  fuse_init_in init = {};
  if (request.size() < sizeof(fuse_in_header) + sizeof init) return false;
  std::memcpy(&init, request.data() + sizeof(fuse_in_header), sizeof init);
  return (init.flags & FUSE_INIT_EXT) != 0 && (init.flags2 & kHasResend) != 0;
}

bool RequestRecovery::BeginInit() {
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    const fuse_in_header header = HeaderOf(memory_.slot(i));
    const std::uint64_t unique = header.unique & ~kResentBit;
    if (header.opcode != FUSE_INIT || unique == 0) continue;
    if (unique == memory_.header().slot[i].done) continue;
    request_in_work = {i, unique};
    return true;
  }
  return false;
}

Result<std::vector<std::string>> RequestRecovery::Unanswered(bool forgets_only) const {
  std::vector<std::string> requests;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    // A copy, so that what is checked is what is used.
    const std::string slot(reinterpret_cast<const char*>(memory_.slot(i)), kSlotBytes);
    const fuse_in_header header = HeaderOf(slot.data());
    const std::uint64_t unique = header.unique & ~kResentBit;
    if (unique == 0 || unique == memory_.header().slot[i].done) continue;
    // Nobody asks the kernel for a NOTIFY_REPLY, and libfuse keeps for ever what nobody waits for.
    if (header.opcode == FUSE_INIT || header.opcode == FUSE_INTERRUPT ||
        header.opcode == FUSE_NOTIFY_REPLY) {
      continue;
    }
    if (forgets_only && !IsForget(header)) continue;
    std::string request = slot.substr(0, header.len);
    if (!IsWholeRequest(request)) return Damaged("a request that nobody has answered");
    requests.push_back(std::move(request));
  }
  return requests;
}

bool RequestRecovery::Begin(const std::string& request, int device) {
  const fuse_in_header header = HeaderOf(request.data());
  const std::uint64_t unique = header.unique & ~kResentBit;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    if (HeaderOf(memory_.slot(i)).unique == header.unique) request_in_work.slot = i;
  }
  request_in_work.unique = 0;
  const bool poisoned = std::find(poison_.begin(), poison_.end(), unique) != poison_.end();
  const bool over = IsForget(header) && done_.WasDone(unique);
  if (!over && !poisoned) done_.TakeBack(unique);
  request_in_work.unique = unique;
  memory_.header().slot[request_in_work.slot].working = unique;
  if (poisoned) AnswerEio(device, header.unique);
  if (poisoned || over) {
    Finished();
    return false;
  }
  again_ = true;
  return true;
}

void RequestRecovery::AskForResend(int device) const {
  Prove();
  fuse_out_header header = {};
  header.len = sizeof header;
  header.error = kNotifyResend;
  // EINVAL from a kernel that does not know it; the holder says whether it does.
  if (write(device, &header, sizeof header) < 0) return;
}

}  // namespace downwardfs
