// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/tree_caller.h"

#include <sys/socket.h>

#include <cerrno>

namespace downwardfs {
namespace {

// False where nobody is at the other end any more.
bool Ask(int connection, const std::string& call, int& result) {
  if (send(connection, call.data(), call.size(), MSG_NOSIGNAL) < 0) return false;
  ssize_t n = 0;
  do {
    n = recv(connection, &result, sizeof result, 0);
  } while (n < 0 && errno == EINTR);
  return n == sizeof result;
}

}  // namespace

int RemoteTreeCaller::Perform(const TreeCall& call) {
  int result = 0;
  MutexLock lock(mutex_);
  if (Ask(connection_.get(), EncodeTreeCall(call), result)) return result;
  lost_ = true;
  return ENOTCONN;
}

}  // namespace downwardfs
