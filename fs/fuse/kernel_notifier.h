// SPDX-License-Identifier: Apache-2.0
// Notifications to the kernel, as an interface so that tests need no kernel.
// Never called on a thread that serves requests. Failures are not reported: what the kernel does
// not know needs no notice.
#pragma once

#include <string>

#include "fs/fuse/inode.h"

namespace downwardfs {

class KernelNotifier {
 public:
  virtual ~KernelNotifier() = default;
  /// FUSE_NOTIFY_INVAL_ENTRY: `name` in the directory means something else now.
  virtual void InvalidateName(InodeId directory, const std::string& name) = 0;
  /// FUSE_NOTIFY_INVAL_INODE: the inode's attributes, and its data or its listing, have changed.
  virtual void InvalidateInode(InodeId inode) = 0;
};

}  // namespace downwardfs
