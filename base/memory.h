// SPDX-License-Identifier: Apache-2.0
// How much memory the process has beyond what it uses. Any thread.
#pragma once

namespace downwardfs {

/// malloc keeps what is freed between two blocks that are in use; after large contents have gone
/// that can be most of a process. Returns such pages to the kernel if there are more than 4 MiB of
/// freed memory; takes some milliseconds then. Call now and then, from a thread that nobody waits
/// for.
void ReturnFreedMemory();

/// malloc has eight pools for each processor, and each keeps what was freed in it while another
/// grows: a process with many threads holds several times what it uses. From now on there are
/// `most`. Call once, before there are other threads.
void LimitMemoryPools(int most);

}  // namespace downwardfs
