// SPDX-License-Identifier: Apache-2.0
// The system calls that filters speak of, by kind (mount-helper/syscall_filter.h). Constants; any
// thread. Each list has the numbers of the architecture that the program is built for.
#pragma once

#include <vector>

namespace downwardfs {

/// No process of ours makes these, nor does a program that helps to log in: a container of docker's
/// refuses nearly all of them too, which such programs know.
const std::vector<int>& DangerousCalls();

/// Mounts, and the ways into another namespace and below another root.
const std::vector<int>& MountCalls();

/// To run another program.
const std::vector<int>& ExecCalls();

/// To change what a file is without opening it for writing: mode (a set-user-ID bit), owner, times,
/// attributes, another name. Its owner needs no capability for that, and Landlock does not restrict
/// most of it.
const std::vector<int>& AttributeCalls();

/// To signal, slow down or talk to other processes of the same user by their numbers.
const std::vector<int>& OtherProcessCalls();

/// All that the publisher makes: memory, its descriptors and channels, files below its views, time,
/// the end of a process.
const std::vector<int>& PublisherCalls();

}  // namespace downwardfs
