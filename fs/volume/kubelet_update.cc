// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/kubelet_update.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"

namespace downwardfs {
namespace {

constexpr unsigned kDataDirMode = 0755;

TreeChange InRoot(ChangeKind kind, std::string name, std::string new_name = "") {
  return {kind, kRootInode, std::move(name), std::move(new_name)};
}

}  // namespace

VolumeUpdate::Later KubeletUpdate::Show(VolumeVersionPtr version, std::string resource_version) {
  if (tree_.lost()) return {};  // the next daemon shows what is newest then
  const KubeletLayout::Flip flip = layout_.Stage(std::move(version), std::move(resource_version));
  if (auto done = ShowThroughKernel(flip); !done) {
    // Shown now, it would be so for us alone. It stays staged, which the next daemon undoes.
    if (tree_.lost()) return {};
    LogDebug("no events for this change", {{log_keys::kError, done.error().message}});
    ++without_events_;
    ShowByNotification(flip);
  }
  const auto now = std::chrono::steady_clock::now();
  quiet_ = now - std::exchange(last_change_, now) < kQuickly ? kQuietTime : kGraceTime;
  const bool task_waits = !retired_.empty();
  retired_.push_back({flip.retires, flip.retired_dir, now});
  return task_waits ? Later{} : RetireNext();
}

VolumeUpdate::Later KubeletUpdate::RetireNext() {
  if (retired_.empty()) return {};
  const auto due = std::min(last_change_ + quiet_, retired_.front().since + kLongGraceTime);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - SteadyTime::clock::now());
  return {std::max(left, std::chrono::milliseconds(0)), [this] { return RetireDue(); }};
}

VolumeUpdate::Later KubeletUpdate::RetireDue() {
  const auto now = SteadyTime::clock::now();
  const bool quiet = now - last_change_ >= quiet_;
  while (!retired_.empty() && (quiet || now - retired_.front().since >= kLongGraceTime)) {
    const Retired oldest = std::move(retired_.front());
    retired_.pop_front();
    Retire(oldest.version, oldest.data_dir);
  }
  return RetireNext();
}

Status KubeletUpdate::ShowThroughKernel(const KubeletLayout::Flip& flip) {
  auto tree = tree_.Open();
  if (!tree) return Fail(std::move(tree.error()));
  if (auto done =
          tree->MakeDirectory(InRoot(ChangeKind::kMakeDirectory, flip.data_dir), flip.data_dir);
      !done) {
    return done;
  }
  const InodeId directory = flip.version + 1;
  if (auto done = tree->ChangeMode(directory, flip.data_dir, kDataDirMode); !done) return done;
  if (auto done =
          tree->MakeLink(InRoot(ChangeKind::kMakeLink, kNewDataLink), flip.data_dir, kNewDataLink);
      !done) {
    return done;
  }
  if (auto done = tree->Rename(InRoot(ChangeKind::kRename, kNewDataLink, kDataLink), kNewDataLink,
                               kDataLink);
      !done) {
    return done;
  }
  if (auto done = MakeLinks(*tree, flip); !done) return done;
  UnlinkFiles(*tree, flip.retires);
  return {};
}

Status KubeletUpdate::MakeLinks(WritableView::Session& tree, const KubeletLayout::Flip& flip) {
  for (const std::string& name : flip.new_links) {
    const std::string target = std::string(kDataLink) + "/" + name;
    if (auto done = tree.MakeLink(InRoot(ChangeKind::kMakeLink, name), target, name); !done)
      return done;
  }
  for (const std::string& name : flip.gone_links) {
    if (auto done = tree.Unlink(InRoot(ChangeKind::kUnlink, name), name); !done) return done;
  }
  return {};
}

// The version after it is shown already. A file that cannot be unlinked (something is mounted on
// it) stays until its directory goes.
void KubeletUpdate::UnlinkFiles(WritableView::Session& tree, InodeId version) {
  for (const auto& file : layout_.KnownFiles(version)) {
    auto unlinked = tree.Unlink(file.removal, file.path);
    if (!unlinked) LogDebug("file kept", {{log_keys::kError, unlinked.error().message}});
  }
}

VolumeUpdate::Later KubeletUpdate::Resume() {
  SettleLastChange(layout_, notifier_);
  // The daemon before us may have died between what it recorded and what it told the kernel.
  for (const std::string& name : layout_.MovedNames()) notifier_.InvalidateName(kRootInode, name);
  notifier_.InvalidateInode(kRootInode);
  if (auto tree = tree_.Open()) {
    if (const auto unfinished = layout_.UnfinishedDirectory()) {
      // Neither need be there, depending on how far it got.
      static_cast<void>(tree->Unlink(InRoot(ChangeKind::kUnlink, kNewDataLink), kNewDataLink));
      static_cast<void>(
          tree->RemoveDirectory(InRoot(ChangeKind::kRemoveDirectory, *unfinished), *unfinished));
    }
    const auto made = MakeLinks(*tree, layout_.Unfinished());
    if (!made && !tree_.lost()) ShowByNotification(layout_.Unfinished());
    for (const auto& [version, data_dir] : layout_.RetiredVersions()) UnlinkFiles(*tree, version);
  }
  return {kLongGraceTime, [this, retired = layout_.RetiredVersions()]() -> Later {
            for (const auto& [version, data_dir] : retired) Retire(version, data_dir);
            // The daemon before us may have died before it told those who watch.
            if (auto tree = tree_.Open()) {
              for (const InodeId version : layout_.RemovedVersions()) {
                TellWatchers(*tree, version);
                removed_.push_back(version);
              }
            }
            return {};
          }};
}

void KubeletUpdate::ShowByNotification(const KubeletLayout::Flip& flip) {
  for (const std::string& name : layout_.Show(flip)) notifier_.InvalidateName(kRootInode, name);
  notifier_.InvalidateInode(kRootInode);
}

void KubeletUpdate::Retire(InodeId version, const std::string& data_dir) {
  auto tree = tree_.Open();
  if (tree_.lost()) return;  // the next daemon does it
  if (tree) {
    // A removed directory resolves no name even for those who hold it, so another inode under the
    // same name is removed in its place.
    layout_.Orphan(version);
    layout_.ShowAlias(version);
    notifier_.InvalidateName(kRootInode, data_dir);
    if (tree->RemoveDirectory(InRoot(ChangeKind::kRemoveDirectory, data_dir), data_dir)) {
      TellWatchers(*tree, version);
      removed_.push_back(version);
      return;
    }
    if (tree_.lost()) return;
  }
  layout_.Expire(version);
  notifier_.InvalidateName(kRootInode, data_dir);
}

// The version's name is gone, in lookups and listings; now those hear of it who watch its
// directories, and files that they have found as aliases. Watchers of a directory get DELETE_SELF
// when the kernel drops an inode that has no link. It learns of that by asking, under a name that
// nobody else knows, and drops what nobody holds when that name is invalidated, children first.
void KubeletUpdate::TellWatchers(WritableView::Session& tree, InodeId version) {
  const auto directories = layout_.KnownDirectories(version);
  const auto aliases = layout_.KnownAliases(version);
  if (directories.empty() && aliases.empty()) return;
  layout_.Reveal(version);
  for (const auto& alias : aliases) {
    auto unlinked = tree.Unlink(alias.removal, alias.path);
    if (!unlinked) LogDebug("alias kept", {{log_keys::kError, unlinked.error().message}});
  }
  for (const auto& directory : directories) {
    notifier_.InvalidateInode(directory.id);
    tree.Look(directory.path);
  }
  layout_.Reveal(0);
  notifier_.InvalidateName(kRootInode, kRemovedName);
}

// A walk that was on its way to a file of the version when the name went, and had to wait for a
// processor, finds the file's alias after TellWatchers() has looked; and one that stood on a
// directory kept the kernel from dropping it. The kernel keeps what it has found, so a watch that
// is added there would never hear that it is gone.
std::function<void()> KubeletUpdate::TakeSecondLook() {
  if (removed_.empty()) return {};
  return [this, versions = std::exchange(removed_, {})] {
    auto tree = tree_.Open();
    if (!tree) return;
    for (const InodeId version : versions) TellWatchers(*tree, version);
  };
}

}  // namespace downwardfs
