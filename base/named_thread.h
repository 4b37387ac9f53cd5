// SPDX-License-Identifier: Apache-2.0
// The one way to start a thread: with a name, and with all signals blocked, so that the main thread
// alone handles them. Its owner is a WorkerThread; a pool that must outlive a stuck thread owns it
// in another way.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace downwardfs {

/// Starts a thread that runs `body`. `name` shows in ps and gdb (15 bytes at most, the kernel's
/// limit). Throws std::system_error, which names the limits that may be the reason. Any thread.
std::thread StartNamedThread(const std::string& name, std::function<void()> body);

}  // namespace downwardfs
