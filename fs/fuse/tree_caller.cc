// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/tree_caller.h"

#include <sys/socket.h>

#include <cerrno>

namespace downwardfs {

int RemoteTreeCaller::Perform(const TreeCall& call) {
  const std::string bytes = EncodeTreeCall(call);
  MutexLock lock(mutex_);
  if (send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return ENOTCONN;
  int result = 0;
  ssize_t n = 0;
  do {
    n = recv(connection_.get(), &result, sizeof result, 0);
  } while (n < 0 && errno == EINTR);
  return n == sizeof result ? result : ENOTCONN;
}

}  // namespace downwardfs
