// SPDX-License-Identifier: Apache-2.0
// Whether records that were read back are a state of the kubelet's layout (kubelet_layout.h). All
// that the rest of the layout takes for granted is made sure of here.
#include <set>
#include <string_view>
#include <vector>

#include "fs/volume/handover_checks.h"
#include "fs/volume/kubelet_layout.h"

namespace downwardfs {

Status KubeletLayout::Check() {
  if (auto done = CheckRoot(); !done) return done;
  if (auto done = CheckVersions(); !done) return done;
  if (auto done = CheckLinks(); !done) return done;
  resumed_ = true;
  return {};
}

Status KubeletLayout::CheckRoot() const {
  const KnownVersion* const shown = known_.Find(root_->shown);
  if (shown == nullptr || shown->life != VersionLife::kNamed) {
    return DamagedMemory("no current version");
  }
  if (root_->staged != 0) {
    const KnownVersion* const staged = known_.Find(root_->staged);
    if (staged == nullptr || root_->staged == root_->shown || HasNoLink(staged->life)) {
      return DamagedMemory("no staged version");
    }
  }
  if (root_->next > kHighestNumber || !IsTime(root_->time)) return DamagedMemory("the root");
  return {};
}

Status KubeletLayout::CheckVersions() const {
  if (versions_.all().size() != known_.all().size()) {
    return DamagedMemory("a version without its state");
  }
  InodeId free = kRootInode + 1;
  std::set<std::string_view> names;
  for (const auto& [base, known] : known_.all()) {
    if (base < free || base > root_->next) return DamagedMemory("versions overlap");
    free = base + 2 * (1 + std::uint64_t{known.version->size()});
    if (versions_.Find(base) != known.version) return DamagedMemory("a state of another version");
    const std::string& name = known.version->data_dir();
    if (!IsFileName(name) || name == kDataLink || name == kNewDataLink) {
      return DamagedMemory("the name of a data directory");
    }
    if (HasName(known.life) && !names.insert(name).second) {
      return DamagedMemory("two data directories of one name");
    }
  }
  if (free > root_->next) return DamagedMemory("inodes beyond the last");
  return {};
}

Status KubeletLayout::CheckLinks() const {
  std::set<std::string_view> names;
  for (const auto& [id, link] : links_.all()) {
    if (id <= kRootInode || id >= root_->next) return DamagedMemory("inodes beyond the last");
    if (Locate(id)) return DamagedMemory("a link with an inode of a version");
    if (!IsFileName(link.name) || link.name == kDataLink || link.name == kNewDataLink ||
        !IsTime(link.created)) {
      return DamagedMemory("a link");
    }
    if (link.listed && !names.insert(link.name).second) return DamagedMemory("a link twice");
  }
  return {};
}

void KubeletLayout::Rehearse() {
  Unfinished();
  UnfinishedDirectory();
  MovedNames();
  for (const auto& [version, name] : RetiredVersions()) {
    KnownFiles(version);
    KnownDirectories(version);
  }
  std::vector<InodeId> bases;
  {
    MutexLock lock(mutex_);
    for (const auto& [base, known] : known_.all()) bases.push_back(base);
  }
  List(kRootInode, 0, true);
  for (const InodeId base : bases) {
    Attr(base + 1);
    List(base + 1, 0, true);
  }
}

}  // namespace downwardfs
