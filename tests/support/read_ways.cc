// SPDX-License-Identifier: Apache-2.0
#include "tests/support/read_ways.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/owned_fd.h"
#include "tests/support/kernel.h"

namespace downwardfs::testing {
namespace {

using Bytes = std::optional<std::string>;
constexpr std::size_t kChunk = 65536;

// Asks for chunks at the offset reached until there is no more.
template <class Next>
Bytes Collect(const Next& next) {
  std::string all;
  std::string chunk(kChunk, '\0');
  for (;;) {
    const ssize_t n = next(chunk.data(), static_cast<off_t>(all.size()));
    if (n < 0) return std::nullopt;
    if (n == 0) return all;
    all.append(chunk, 0, static_cast<std::size_t>(n));
  }
}

Bytes Read(int file, std::size_t) {
  if (lseek(file, 0, SEEK_SET) != 0) return std::nullopt;
  return Collect([&](char* to, off_t) { return read(file, to, kChunk); });
}

Bytes Pread(int file, std::size_t) {
  return Collect([&](char* to, off_t at) { return pread(file, to, kChunk, at); });
}

// Bytes that the kernel moves into a pipe are taken out again at once: a pipe holds one chunk.
template <class Move>
Bytes ThroughPipe(const Move& move) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const OwnedFd out(ends[0]);
  const OwnedFd in(ends[1]);
  return Collect([&](char* to, off_t at) {
    const ssize_t moved = move(in.get(), at);
    for (ssize_t got = 0; got < moved;) {
      const ssize_t n = read(out.get(), to + got, static_cast<std::size_t>(moved - got));
      if (n <= 0) return ssize_t{-1};
      got += n;
    }
    return moved;
  });
}

Bytes Sendfile(int file, std::size_t) {
  return ThroughPipe([&](int to, off_t at) { return sendfile(to, file, &at, kChunk); });
}

Bytes Splice(int file, std::size_t) {
  return ThroughPipe([&](int to, off_t at) { return splice(file, &at, to, nullptr, kChunk, 0); });
}

Bytes CopyFileRange(int file, std::size_t) {
  const OwnedFd copy(memfd_create("copy", MFD_CLOEXEC));
  return Collect([&](char* to, off_t at) {
    off_t end = at;
    const ssize_t n = copy_file_range(file, &at, copy.get(), &end, kChunk, 0);
    return n <= 0 ? n : pread(copy.get(), to, static_cast<std::size_t>(n), end - n);
  });
}

// A page beyond the end raises SIGBUS for whom touches it, and EFAULT here.
Bytes Map(int file, std::size_t size, int flags) {
  void* const map = mmap(nullptr, size, PROT_READ, flags, file, 0);
  if (map == MAP_FAILED) return std::nullopt;
  std::string bytes(size, '\0');
  const iovec from = {map, size};
  const iovec to = {bytes.data(), size};
  const ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
  munmap(map, size);
  if (n < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(n));
  return bytes;
}

Bytes MapPrivate(int file, std::size_t size) {
  return Map(file, size, MAP_PRIVATE);
}

Bytes MapShared(int file, std::size_t size) {
  return Map(file, size, MAP_SHARED);
}

// A ring for one request at a time.
class Ring {
 public:
  Ring() : fd_(static_cast<int>(syscall(SYS_io_uring_setup, 1, &params_))) {
    if (!fd_) return;
    queue_size_ =
        std::max<std::size_t>(params_.sq_off.array + params_.sq_entries * sizeof(std::uint32_t),
                              params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe));
    queues_ = Shared(queue_size_, IORING_OFF_SQ_RING);
    entries_ = Shared(params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  }
  ~Ring() {
    if (queues_ != MAP_FAILED) munmap(queues_, queue_size_);
    if (entries_ != MAP_FAILED) munmap(entries_, params_.sq_entries * sizeof(io_uring_sqe));
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool ok() const { return fd_ && queues_ != MAP_FAILED && entries_ != MAP_FAILED; }

  ssize_t Read(int file, char* to, std::size_t size, off_t at) {
    auto* const entry = static_cast<io_uring_sqe*>(entries_);
    std::memset(entry, 0, sizeof *entry);
    entry->opcode = IORING_OP_READ;
    entry->fd = file;
    entry->off = static_cast<std::uint64_t>(at);
    entry->addr = reinterpret_cast<std::uint64_t>(to);
    entry->len = static_cast<std::uint32_t>(size);
    *At(params_.sq_off.array) = 0;
    __atomic_add_fetch(At(params_.sq_off.tail), 1, __ATOMIC_RELEASE);
    while (syscall(SYS_io_uring_enter, fd_.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) {
      if (errno != EINTR) return -1;
    }
    const std::uint32_t head = *At(params_.cq_off.head);
    const std::uint32_t place = head & *At(params_.cq_off.ring_mask);
    const int result = reinterpret_cast<io_uring_cqe*>(At(params_.cq_off.cqes))[place].res;
    __atomic_store_n(At(params_.cq_off.head), head + 1, __ATOMIC_RELEASE);
    if (result < 0) errno = -result;
    return result < 0 ? -1 : result;
  }

 private:
  void* Shared(std::size_t size, off_t at) const {
    return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(), at);
  }
  std::uint32_t* At(std::uint32_t offset) const {
    return reinterpret_cast<std::uint32_t*>(static_cast<char*>(queues_) + offset);
  }

  io_uring_params params_ = {};
  OwnedFd fd_;
  std::size_t queue_size_ = 0;
  void* queues_ = MAP_FAILED;
  void* entries_ = MAP_FAILED;
};

Bytes IoUring(int file, std::size_t) {
  Ring ring;
  if (!ring.ok()) return std::nullopt;
  return Collect([&](char* to, off_t at) { return ring.Read(file, to, kChunk, at); });
}

// Between two file systems it is refused with EXDEV since Linux 5.19.
bool CopiesBetweenFileSystems(int other) {
  const OwnedFd copy(memfd_create("copy", MFD_CLOEXEC));
  return copy_file_range(other, nullptr, copy.get(), nullptr, 1, 0) >= 0;
}

}  // namespace

const std::vector<ReadWay>& ReadWays() {
  static const std::vector<ReadWay> ways = [] {
    std::vector<ReadWay> all = {{"read", Read},
                                {"pread", Pread},
                                {"sendfile", Sendfile},
                                {"splice", Splice},
                                {"mmap, private", MapPrivate}};
    // Refused with ENODEV for a file of the live layout before.
    if (!KernelIsOlderThan(6, 6)) all.push_back({"mmap, shared", MapShared});
    if (Ring().ok()) all.push_back({"io_uring", IoUring});
    const OwnedFd other(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    if (CopiesBetweenFileSystems(other.get())) all.push_back({"copy_file_range", CopyFileRange});
    return all;
  }();
  return ways;
}

}  // namespace downwardfs::testing
