// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/volume_update.h"

#include <string>

namespace downwardfs {

void SettleLastChange(const VolumeNodes& nodes, KernelNotifier& notifier) {
  const TreeChange armed = nodes.Armed();
  if (armed.kind == TreeChange::Kind::kNone) return;
  for (const std::string& name : {armed.name, armed.new_name}) {
    if (!name.empty()) notifier.InvalidateName(armed.node, name);
  }
  notifier.InvalidateNode(armed.node);
}

}  // namespace downwardfs
