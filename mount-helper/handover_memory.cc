// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/handover_memory.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>

namespace downwardfs {
namespace {

constexpr std::uint64_t kHeaderBytes = 4096;
constexpr std::uint64_t kSlotsAt = kHeaderBytes;
constexpr std::uint64_t kAreasAt = kSlotsAt + std::uint64_t{kMaxSlots} * kSlotBytes;
constexpr std::uint64_t kFileBytes = kAreasAt + 2 * kAreaBytes;

tl::unexpected<Error> Unfit(const std::string& what) {
  return Fail(ErrorCode::kFailedPrecondition, "the handover memory does not fit: " + what);
}

void InitLife(pthread_mutex_t& life) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&life, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

}  // namespace

Result<OwnedFd> HandoverMemory::Create() {
  OwnedFd fd(memfd_create("downwardfs-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return Fail(ErrnoError(errno, "memfd_create"));
  if (ftruncate(fd.get(), static_cast<off_t>(kFileBytes)) != 0) {
    return Fail(ErrnoError(errno, "memfd size"));
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
  InitLife(header->life);
  munmap(page, kHeaderBytes);
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return Fail(ErrnoError(errno, "memfd seals"));
  }
  return fd;
}

Result<HandoverMemory> HandoverMemory::Map(int fd) {
  struct stat st = {};
  if (fstat(fd, &st) != 0) return Fail(ErrnoError(errno, "handover memory"));
  if (static_cast<std::uint64_t>(st.st_size) != kFileBytes) return Unfit("another size");
  if ((fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) == 0) return Unfit("not sealed");
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

void HandoverMemory::HoldLife() const {
  pthread_mutex_t& life = header().life;
  // Not waited for: a daemon before us that is not gone yet does not run any more either.
  if (pthread_mutex_trylock(&life) == EOWNERDEAD) pthread_mutex_consistent(&life);
}

// The word that the kernel marks when the owner dies (futex(2), robust futexes). The mutex is not
// locked here: glibc would follow pointers that lie in this memory, and a daemon, which has fewer
// rights than the holder, could have written them.
bool HandoverMemory::LifeLost() const {
  int* const word = &header().life.__data.__lock;
  int seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
  if ((static_cast<unsigned>(seen) & FUTEX_OWNER_DIED) == 0) return false;
  // Once is enough. If the next daemon has it already, it stays as it is.
  return __atomic_compare_exchange_n(word, &seen, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void HandoverMemory::Clear(std::uint32_t index) const {
  madvise(area(index), kAreaBytes, MADV_REMOVE);
}

void HandoverMemory::Unmap::operator()(void* base) const {
  munmap(base, kFileBytes);
}

}  // namespace downwardfs
