// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/volume_update.h"

#include <string>

namespace downwardfs {

void SettleLastChange(const VolumeLayout& layout, KernelNotifier& notifier) {
  const TreeChange armed = layout.Armed();
  if (armed.kind == TreeChange::Kind::kNone) return;
  for (const std::string& name : {armed.name, armed.new_name}) {
    if (!name.empty()) notifier.InvalidateName(armed.inode, name);
  }
  notifier.InvalidateInode(armed.inode);
}

}  // namespace downwardfs
