// SPDX-License-Identifier: Apache-2.0
#include "base/worker_thread.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace downwardfs {

std::system_error CannotStartThread(const std::string& name, const std::system_error& why) {
  return {why.code(), "cannot start the thread " + name +
                          " (a limit of memory or processes, ulimit -v or -u?)"};
}

WorkerThread::WorkerThread(const std::string& name, std::function<void()> body) {
  // The new thread inherits the mask, so there is no moment in which it could take a signal.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread(std::move(body));
  } catch (const std::system_error& error) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw CannotStartThread(name, error);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

void WorkerThread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace downwardfs
