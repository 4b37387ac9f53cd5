// SPDX-License-Identifier: Apache-2.0
// Ends the requests that a daemon has read and nobody will answer. Plain function; the mount's
// owner calls it when no daemon comes after.
#pragma once

namespace downwardfs {

/// Answers EIO to each request that lies unanswered in the handover memory. A process that
/// waits for one waits uninterruptibly. Our own publisher's process may be one, with a copy of the
/// device that keeps the kernel from ending the connection, so it could be neither ended nor waited
/// for. An answer that the kernel has already is refused by it, which is harmless.
void EndRequests(int memory, int device);

}  // namespace downwardfs
