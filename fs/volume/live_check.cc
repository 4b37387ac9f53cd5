// SPDX-License-Identifier: Apache-2.0
// Whether records that were read back are a state of the live layout (live_layout.h). All that the
// rest of the layout takes for granted is made sure of here.
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "fs/volume/handover_checks.h"
#include "fs/volume/live_layout.h"

namespace downwardfs {

Status LiveLayout::Check() {
  if (!Current()) return DamagedMemory("no current version");
  if (root_->next > kHighestNumber || root_->next_open > kHighestNumber) {
    return DamagedMemory("the root");
  }
  const LiveInode* const root = inodes_.Find(kRootInode);
  if (root == nullptr || root->entry != 0 || root->parent != 0 ||
      root->state != NameState::kNamed) {
    return DamagedMemory("no root");
  }
  if (versions_.all().rbegin()->first > root_->version) {
    return DamagedMemory("a version beyond the last");
  }
  // A name that goes and one that comes may be the same.
  std::set<std::tuple<NameState, InodeId, std::string_view>> names;
  for (const auto& [id, inode] : inodes_.all()) {
    if (auto good = CheckInode(id, inode); !good) return good;
    if (id == kRootInode || inode.state == NameState::kHeld) continue;
    if (!names.insert({inode.state, inode.parent, inode.Entry().name}).second) {
      return DamagedMemory("a name twice");
    }
  }
  for (const auto& [handle, open] : opened_.all()) {
    if (handle >= root_->next_open) return DamagedMemory("opens beyond the last");
  }
  return {};
}

Status LiveLayout::CheckInode(InodeId id, const LiveInode& inode) const {
  if (id == 0 || id >= root_->next) return DamagedMemory("inodes beyond the last");
  if (!IsTime(inode.time)) return DamagedMemory("the time of an inode");
  if (id == kRootInode) return {};
  if (inode.entry == 0) return DamagedMemory("an inode without a name");
  if (inode.state == NameState::kHeld) return {};
  const LiveInode* const parent = inodes_.Find(inode.parent);
  // A parent is made before its children, so there is no circle either.
  if (parent == nullptr || inode.parent >= id || !parent->Entry().is_directory) {
    return DamagedMemory("an inode without parent");
  }
  // Its version may be another than its parent's, its place is the same.
  const std::uint32_t above = inode.Entry().parent;
  const bool in_place =
      inode.parent == kRootInode
          ? above == 0
          : above != 0 && inode.version->entry(above).name == parent->Entry().name;
  if (!in_place) return DamagedMemory("an inode in another directory");
  // An inode that has a name is below one that has a name, up to the root.
  const bool parent_fits =
      parent->state == NameState::kNamed ||
      (inode.state == NameState::kPending && parent->state == NameState::kPending);
  if (!parent_fits) return DamagedMemory("an inode without parent");
  return {};
}

void LiveLayout::Rehearse() {
  Unfinished();
  std::vector<InodeId> inodes;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, inode] : inodes_.all()) inodes.push_back(id);
  }
  for (const InodeId id : inodes) {
    Attr(id);
    List(id, 0, true);
  }
}

}  // namespace downwardfs
