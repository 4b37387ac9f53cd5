// SPDX-License-Identifier: Apache-2.0
// The programs, each a function: an installation has two, so that gRPC stays out of a plain mount's
// memory; the image has one file for both (one_program.cc), since they share most of their bytes.
// Main thread.
#pragma once

namespace downwardfs {

/// `downwardfs`. Gives the exit status.
int DownwardfsMain(int argc, char** argv);

/// `downwardfs-csi`, the daemon of `downwardfs csi`, which starts it. Gives the exit status.
int CsiMain(int argc, char** argv);

}  // namespace downwardfs
