// SPDX-License-Identifier: Apache-2.0
// TCP sockets that listen at an address of the command line. Plain functions, any thread.
#pragma once

#include <string>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// Listens at "HOST:PORT": HOST is an IP address, an IPv6 one in brackets, or empty for all of
/// them. The socket does not block. kInvalidArgument where the address is not one.
Result<OwnedFd> ListenAtAddress(const std::string& address);

/// The fault of the address as it is written; empty if it has no fault.
std::string AddressTrouble(const std::string& address);

}  // namespace downwardfs
