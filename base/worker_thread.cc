// SPDX-License-Identifier: Apache-2.0
#include "base/worker_thread.h"

#include "base/named_thread.h"

namespace downwardfs {

WorkerThread::WorkerThread(const std::string& name, std::function<void()> body)
    : thread_(StartNamedThread(name, std::move(body))) {}

void WorkerThread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace downwardfs
