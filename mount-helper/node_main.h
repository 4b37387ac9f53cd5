// SPDX-License-Identifier: Apache-2.0
// The command lines of `downwardfs-holder` that are about the node plugin. Main thread.
#pragma once

namespace downwardfs {

inline constexpr char kNodeUsage[] =
    "   or: downwardfs-holder --serve SOCKET --kubelet-dir DIR --driver-name NAME\n"
    "         [--client UID:GID]\n"
    "   or: downwardfs-holder --attach SOCKET | --own [--kubelet-dir DIR]\n"
    "         [--driver-name NAME] [--endpoint PATH] [--registration PATH]\n"
    "         [--watchdog MS] [--no-resend] [--run-as UID:GID] -- PROGRAM [ARGUMENTS]\n"
    "   or: downwardfs-holder --probe SOCKET\n";

/// True where the first argument is one of these forms.
bool IsNodeCommand(int argc, char** argv);

/// Returns the exit status; -1 for wrong usage.
int RunNodeCommand(int argc, char** argv);

}  // namespace downwardfs
