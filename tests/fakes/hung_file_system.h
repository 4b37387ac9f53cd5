// SPDX-License-Identifier: Apache-2.0
//
// A FUSE file system whose server is the test: it lets its one file be found and opened, and then
// answers nothing more about it. A process that asks about such a descriptor (fstat, mmap, close)
// waits until the file system ends. Needs root and /dev/fuse. One owner; the server is a thread of
// its own.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/stoppable_thread.h"

namespace downwardfs::testing {

class HungFileSystem {
 public:
  /// Mounts it at `directory`.
  explicit HungFileSystem(const std::string& directory);
  /// Ends it: everybody who waits for it gets an error. Descriptors of Open() are closed after it.
  ~HungFileSystem();
  HungFileSystem(const HungFileSystem&) = delete;
  HungFileSystem& operator=(const HungFileSystem&) = delete;

  /// A new descriptor of the file; this object owns it, for its close would hang: so would a child
  /// that this process forks.
  int Open();
  /// Sends a packet with `fds`, and a descriptor of the file before the one at `at`. It is another
  /// process that has the file, and this one does not touch it.
  bool Send(int channel, const std::string& bytes, std::vector<int> fds, std::size_t at) const;
  /// Sends a packet with a descriptor that lies nowhere else, of a file with a page that is not
  /// written back: whoever lets go of it, the kernel on behalf of a receiver without room too,
  /// waits for the writing, for ever.
  bool SendLast(int channel, const std::string& bytes);
  /// How many requests wait for an answer that does not come.
  int waiting() const { return waiting_; }

 private:
  bool Order(int channel, char at, const std::string& bytes, std::vector<int> fds) const;
  void Serve(int stop);
  void StartSender();

  const std::string directory_;
  OwnedFd device_;
  OwnedFd sender_;  // a connection to the process that sends
  pid_t sender_pid_ = -1;
  std::vector<int> files_;
  std::atomic<int> waiting_{0};
  std::atomic<bool> flushes_{false};  // are answered
  StoppableThread server_;
};

}  // namespace downwardfs::testing
