// SPDX-License-Identifier: Apache-2.0
// The file systems that a publisher's process may change: those of our own volumes. One memory that
// the mounter writes and its children read (a memfd, mapped), by the minor number of the anonymous
// device that each FUSE mount has. The mounter's one thread adds and removes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

class FileSystemSet {
 public:
  static Result<FileSystemSet> Create();

  /// `file_system`: "0:45". Nothing happens for one that is no anonymous device.
  void Add(const std::string& file_system) { Set(file_system, true); }
  void Remove(const std::string& file_system) { Set(file_system, false); }
  bool Has(const std::string& file_system) const;

  /// Waits until no other process is at work on it, and keeps them waiting until Leave() or the
  /// process's death: what a daemon that has died had asked for is done before what its successor
  /// asks.
  void Enter(const std::string& file_system) const;
  void Leave(const std::string& file_system) const;

  int fd() const { return fd_.get(); }

 private:
  struct Unmap {
    void operator()(std::atomic<std::uint8_t>* base) const;
  };
  FileSystemSet(OwnedFd fd, std::atomic<std::uint8_t>* base) : fd_(std::move(fd)), base_(base) {}
  void Lock(const std::string& file_system, short type) const;
  void Set(const std::string& file_system, bool in);

  OwnedFd fd_;
  std::unique_ptr<std::atomic<std::uint8_t>, Unmap> base_;
};

}  // namespace downwardfs
