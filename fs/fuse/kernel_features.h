// SPDX-License-Identifier: Apache-2.0
//
// The features of FUSE that came after Linux 5.10, the oldest kernel that we support, and that
// nothing can take the place of: a mount on a kernel without them says what its users lose. A
// kernel is asked by what it offers with FUSE_INIT, never by its version, because distributions
// port features back. (FUSE_NOTIFY_RESEND of 6.9 and mount_setattr(2) of 5.12 are not among them:
// request_recovery.h and fuse_mount.h have other ways to the same end.) Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace downwardfs {

// linux/fuse.h of 6.12; the high half of the flags travels in flags2 of FUSE_INIT.
inline constexpr std::uint64_t kAllowIdmap = std::uint64_t{1} << 40;         // Linux 6.12
inline constexpr std::uint64_t kDirectIoAllowMmap = std::uint64_t{1} << 36;  // Linux 6.6

/// One line for people that says what a mount loses on this kernel; empty if it loses nothing.
/// `offered`: the flags of the kernel's FUSE_INIT; `release`: its name, as uname(2) gives it;
/// `live`: the mount has the live layout.
std::string DescribeShortfall(std::uint64_t offered, const std::string& release, bool live);

}  // namespace downwardfs
