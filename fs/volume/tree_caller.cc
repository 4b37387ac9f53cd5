// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/tree_caller.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace downwardfs {
namespace {

// A publisher that has been killed with its holder, and waits in the kernel, does not answer.
constexpr int kPatienceAlone = 2000;  // ms

// False if nobody is at the other end any more, or if it does not answer and nobody watches it.
bool Ask(int connection, const std::string& call, const std::atomic<bool>& alone, int& result) {
  if (send(connection, call.data(), call.size(), MSG_NOSIGNAL) < 0) return false;
  pollfd answer = {connection, POLLIN, 0};
  for (int ready = 0; ready <= 0;) {
    const bool last = alone;
    ready = poll(&answer, 1, kPatienceAlone);
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && last) return false;
  }
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
  if (lost_) return ENOTCONN;  // an answer that comes late is not this call's
  if (Ask(connection_.get(), EncodeTreeCall(call), alone_, result)) return result;
  lost_ = true;
  return ENOTCONN;
}

}  // namespace downwardfs
