// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/file_system_set.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>

namespace downwardfs {
namespace {

constexpr std::size_t kMinors = std::size_t{1} << 20;  // MINORBITS, linux/kdev_t.h

std::optional<std::size_t> MinorOf(const std::string& file_system) {
  if (file_system.compare(0, 2, "0:") != 0) return std::nullopt;
  char* end = nullptr;
  const unsigned long minor = std::strtoul(file_system.c_str() + 2, &end, 10);
  if (*end != '\0' || minor >= kMinors) return std::nullopt;
  return minor;
}

}  // namespace

Result<FileSystemSet> FileSystemSet::Create() {
  // A byte each; only the pages that are used take memory.
  OwnedFd fd(memfd_create("downwardfs-volumes", MFD_CLOEXEC));
  if (!fd) return Fail(ErrnoError(errno, "memfd_create"));
  if (ftruncate(fd.get(), kMinors) != 0) return Fail(ErrnoError(errno, "memfd size"));
  void* const base = mmap(nullptr, kMinors, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) return Fail(ErrnoError(errno, "memfd map"));
  return FileSystemSet(std::move(fd), static_cast<std::atomic<std::uint8_t>*>(base));
}

bool FileSystemSet::Has(const std::string& file_system) const {
  const auto minor = MinorOf(file_system);
  return minor && base_.get()[*minor] != 0;
}

// A lock of a process on a byte (fcntl(2), advisory record locking): the kernel takes it back when
// the process ends.
void FileSystemSet::Lock(const std::string& file_system, short type) const {
  const auto minor = MinorOf(file_system);
  if (!minor) return;
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(*minor);
  lock.l_len = 1;
  while (fcntl(fd_.get(), F_SETLKW, &lock) != 0 && errno == EINTR) {
  }
}

void FileSystemSet::Enter(const std::string& file_system) const {
  Lock(file_system, F_WRLCK);
}

void FileSystemSet::Leave(const std::string& file_system) const {
  Lock(file_system, F_UNLCK);
}

void FileSystemSet::Set(const std::string& file_system, bool in) {
  if (const auto minor = MinorOf(file_system)) base_.get()[*minor] = in ? 1 : 0;
}

void FileSystemSet::Unmap::operator()(std::atomic<std::uint8_t>* base) const {
  munmap(base, kMinors);
}

}  // namespace downwardfs
