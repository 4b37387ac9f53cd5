// SPDX-License-Identifier: Apache-2.0
// A file descriptor with one owner, closed when the owner goes. Move-only; not shared by threads.
#pragma once

#include <unistd.h>

#include <utility>

namespace downwardfs {

/// Owns one file descriptor, or none (-1).
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { Reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  /// Gives the descriptor away; the caller closes it.
  int Release() { return std::exchange(fd_, -1); }

  /// Closes what is owned and takes `fd` instead.
  void Reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace downwardfs
