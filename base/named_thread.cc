// SPDX-License-Identifier: Apache-2.0
#include "base/named_thread.h"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace downwardfs {

std::thread StartNamedThread(const std::string& name, std::function<void()> body) {
  // The new thread inherits the mask, so there is no moment in which it could take a signal.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  int error = 0;
  try {
    thread = std::thread([name = name.substr(0, 15), body = std::move(body)] {
      // Of itself: another thread's name is written through /proc, which a confined process may
      // not.
      pthread_setname_np(pthread_self(), name.c_str());
      body();
    });
  } catch (const std::system_error& failed) {
    error = failed.code().value();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    throw std::system_error(
        error, std::generic_category(),
        "cannot start the thread " + name + " (a limit of memory or processes, ulimit -v or -u?)");
  }
  return thread;
}

}  // namespace downwardfs
