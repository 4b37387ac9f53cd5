// SPDX-License-Identifier: Apache-2.0
//
// The kind of a descriptor that another process has sent, found out without a request to the file
// system that it may be of. That file system may be a FUSE mount whose server is the sender, and
// which never answers: then fstat(2), mmap(2) and close(2) (FLUSH) do not return, and the process
// cannot even be killed. Plain functions; any thread.
#pragma once

#include <string>

#include "base/owned_fd.h"

namespace downwardfs {

enum class FdKind {
  kUnknown,     ///< anything else: nobody may touch or close it
  kMemory,      ///< a memfd (shmem) that is sealed against shrinking
  kFuseDevice,  ///< /dev/fuse, opened
  kPathOnly,    ///< O_PATH: a place in a file system, which no call asks
  kUnixSocket,
};

/// By means that end in the kernel: F_GETFL, SO_DOMAIN, F_GET_SEALS (memory has them, and no other
/// file says that it does), and the cached type and device number (statx(2) with
/// AT_STATX_DONT_SYNC; an inode's never change). To close any but kUnknown asks nobody.
FdKind KindOf(int fd);

/// A listening stream socket that is bound to `path`, and that a process of our own user made one
/// (SO_PEERCRED of a listening socket is who called listen(2)). Nobody with fewer rights can make
/// such a socket.
bool IsOwnListener(int fd, const std::string& path);

}  // namespace downwardfs
