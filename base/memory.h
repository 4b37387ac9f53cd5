// SPDX-License-Identifier: Apache-2.0
// Gives the machine back what the process has freed. Any thread.
#pragma once

namespace downwardfs {

/// malloc keeps what is freed between two blocks that are in use; after large contents have gone
/// that can be most of a process. Returns such pages to the kernel if there are more than 4 MiB of
/// freed memory; takes some milliseconds then. Call now and then, from a thread that nobody waits
/// for.
void ReturnFreedMemory();

}  // namespace downwardfs
