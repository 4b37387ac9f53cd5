// SPDX-License-Identifier: Apache-2.0
#include "base/stoppable_thread.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

namespace downwardfs {

Result<StoppableThread> StoppableThread::Start(const std::string& name,
                                               std::function<void(int stop)> work) {
  StoppableThread thread;
  thread.stop_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!thread.stop_) return Fail(ErrnoError(errno, "eventfd"));
  thread.thread_ =
      WorkerThread(name, [work = std::move(work), stop = thread.stop_.get()] { work(stop); });
  return thread;
}

StoppableThread& StoppableThread::operator=(StoppableThread&& other) noexcept {
  Stop();
  stop_ = std::move(other.stop_);
  thread_ = std::move(other.thread_);
  return *this;
}

void StoppableThread::Stop() {
  if (stop_) eventfd_write(stop_.get(), 1);
  thread_.Join();
  stop_.Reset();
}

bool AwaitInput(int fd, int stop) {
  for (;;) {
    pollfd fds[2] = {{fd, POLLIN, 0}, {stop, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    if (fds[1].revents != 0) return false;
    if (fds[0].revents != 0) return true;
  }
}

bool IsToStop(int stop, int milliseconds) {
  pollfd end = {stop, POLLIN, 0};
  return poll(&end, 1, milliseconds) != 0;
}

}  // namespace downwardfs
