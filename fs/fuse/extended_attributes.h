// SPDX-License-Identifier: Apache-2.0
// The extended attributes of a mount: what a file is made of, the status, and whether somebody
// serves. For operations.cc only, on serving threads; no lock is held across a reply.
#pragma once

#include <cstddef>
#include <cstdint>

struct fuse_req;

namespace downwardfs {

void GetExtendedAttribute(fuse_req* request, std::uint64_t inode, const char* name,
                          std::size_t size);
void ListExtendedAttributes(fuse_req* request, std::uint64_t inode, std::size_t size);

}  // namespace downwardfs
