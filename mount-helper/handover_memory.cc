// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/handover_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include "base/system_log.h"

namespace downwardfs {
namespace {

constexpr std::uint64_t kHeaderBytes = 4096;
constexpr std::uint64_t kSlotsAt = kHeaderBytes;
constexpr std::uint64_t kAreasAt = kSlotsAt + std::uint64_t{kMaxSlots} * kSlotBytes;
constexpr int kExitFencedOff = 4;
constexpr std::uint64_t kFileBytes = kAreasAt + 2 * kAreaBytes;

tl::unexpected<Error> Unfit(const std::string& what) {
  return Fail(ErrorCode::kFailedPrecondition, "the handover memory does not fit: " + what);
}

// A file that cannot shrink under whoever has it mapped.
Status CheckFile(int fd) {
  struct stat st = {};
  if (fstat(fd, &st) != 0) return Fail(ErrnoError(errno, "handover memory"));
  if (static_cast<std::uint64_t>(st.st_size) != kFileBytes) return Unfit("another size");
  if ((fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) == 0) return Unfit("not sealed");
  return {};
}

// Of one daemon, and of no other.
Result<std::uint64_t> NewToken() {
  std::uint64_t token = 0;
  while (token == 0) {
    if (getrandom(&token, sizeof token, 0) != sizeof token) {
      return Fail(ErrnoError(errno, "getrandom"));
    }
  }
  return token;
}

}  // namespace

Result<OwnedFd> HandoverMemory::Create() {
  OwnedFd fd(memfd_create("downwardfs-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return Fail(ErrnoError(errno, "memfd_create"));
  if (ftruncate(fd.get(), static_cast<off_t>(kFileBytes)) != 0) {
    return Fail(ErrnoError(errno, "memfd size (is ulimit -f too small?)"));
  }
  void* const page = mmap(nullptr, kHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return Fail(ErrnoError(errno, "memfd map"));
  auto* header = new (page) HandoverHeader{};
  header->magic = kHandoverMagic;
  header->format = kHandoverFormat;
  header->header_bytes = kHeaderBytes;
  header->slots = kMaxSlots;
  header->slot_bytes = kSlotBytes;
  header->area_bytes = kAreaBytes;
  munmap(page, kHeaderBytes);
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return Fail(ErrnoError(errno, "memfd seals"));
  }
  return fd;
}

Result<HandoverMemory> HandoverMemory::Map(int fd) {
  if (auto good = CheckFile(fd); !good) return Fail(std::move(good.error()));
  void* const base =
      mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (base == MAP_FAILED) return Fail(ErrnoError(errno, "handover memory: map"));
  HandoverMemory memory(base);
  const HandoverHeader& header = memory.header();
  if (header.magic != kHandoverMagic) return Unfit("no magic");
  if (header.format != kHandoverFormat) {
    return Unfit("format " + std::to_string(header.format) + ", this build knows " +
                 std::to_string(kHandoverFormat));
  }
  if (header.header_bytes != kHeaderBytes || header.slots != kMaxSlots ||
      header.slot_bytes != kSlotBytes || header.area_bytes != kAreaBytes) {
    return Unfit("another layout");
  }
  if (header.current > 1 || header.init_size > sizeof header.init) return Unfit("damaged header");
  if (header.area[0].used > kAreaBytes || header.area[1].used > kAreaBytes) {
    return Unfit("damaged area");
  }
  if (header.lost != 0) return Unfit("its last daemon could not record what it did");
  return memory;
}

unsigned char* HandoverMemory::slot(std::uint32_t index) const {
  return static_cast<unsigned char*>(base_.get()) + kSlotsAt + std::uint64_t{index} * kSlotBytes;
}

unsigned char* HandoverMemory::area(std::uint32_t index) const {
  return static_cast<unsigned char*>(base_.get()) + kAreasAt + index * kAreaBytes;
}

Result<HandoverMemory> HandoverMemory::Claim(int fd) {
  auto memory = Map(fd);
  if (!memory) return memory;
  auto token = NewToken();
  if (!token) return Fail(std::move(token.error()));
  memory->token_ = *token;
  memory->header().owner.store(*token);
  return memory;
}

void HandoverMemory::FenceOff(int fd, bool blameless) {
  if (!CheckFile(fd)) return;
  void* const page = mmap(nullptr, kHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) return;
  auto& header = *static_cast<HandoverHeader*>(page);
  header.owner.store(0);
  if (blameless) header.readers_lost.store(0);
  munmap(page, kHeaderBytes);
}

void HandoverMemory::Prove() const {
  if (token_ == 0 || header().owner.load() == token_) return;
  SystemLog(LOG_ERR, "downwardfs: another daemon serves this mount now; this one ends");
  _exit(kExitFencedOff);
}

Status HandoverMemory::BeginReading() const {
  Prove();
  if (header().readers_lost >= kMostReadersLost) {
    return Unfit(std::to_string(kMostReadersLost) + " daemons have died while they read it");
  }
  ++header().readers_lost;
  return {};
}

void HandoverMemory::EndReading() const {
  header().readers_lost = 0;
}

void HandoverMemory::Clear(std::uint32_t index) const {
  madvise(area(index), kAreaBytes, MADV_REMOVE);
}

void HandoverMemory::Unmap::operator()(void* base) const {
  munmap(base, kFileBytes);
}

}  // namespace downwardfs
