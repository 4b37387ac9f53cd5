// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/live_update.h"

#include <utility>

#include "base/log.h"
#include "base/log_keys.h"

namespace downwardfs {

VolumeUpdate::Later LiveUpdate::Show(VolumeVersionPtr version, std::string resource_version) {
  if (tree_.lost()) return {};  // the next daemon shows what is newest then
  const LiveLayout::Difference difference =
      layout_.Stage(std::move(version), std::move(resource_version));
  if (auto done = ShowThroughKernel(difference); !done) {
    if (tree_.lost()) return {};  // and finishes this
    LogDebug("no events for this change", {{log_keys::kError, done.error().message}});
    ++without_events_;
    ShowByNotification(difference);
  }
  return {};
}

VolumeUpdate::Later LiveUpdate::Resume() {
  SettleLastChange(layout_, notifier_);
  // The daemon before us may have died between what it recorded and what it told the kernel.
  notifier_.InvalidateInode(kRootInode);
  const LiveLayout::Difference difference = layout_.Unfinished();
  const auto done = ShowThroughKernel(difference);
  if (!done && !tree_.lost()) ShowByNotification(difference);
  return {};
}

Status LiveUpdate::ShowThroughKernel(const LiveLayout::Difference& difference) {
  auto tree = tree_.Open();
  if (!tree) return Fail(std::move(tree.error()));
  // All first: what is read is the new content already, and stat(2) must not go on to tell the old
  // size until the turn of a file has come.
  for (const auto& step : difference.changed) notifier_.InvalidateInode(step.id);
  for (const auto& [id, change, path] : difference.gone) {
    const bool directory = change.kind == ChangeKind::kRemoveDirectory;
    if (auto done = directory ? tree->RemoveDirectory(change, path) : tree->Unlink(change, path);
        !done) {
      return done;
    }
  }
  for (const auto& [id, change, path] : difference.added) {
    const bool directory = change.kind == ChangeKind::kMakeDirectory;
    if (auto done = directory ? tree->MakeDirectory(change, path) : tree->MakeFile(change, path);
        !done) {
      return done;
    }
  }
  for (const auto& [id, change, path] : difference.changed) {
    if (auto done = tree->Touch(id, path); !done) return done;
  }
  return {};
}

void LiveUpdate::ShowByNotification(const LiveLayout::Difference& difference) {
  layout_.ShowNames(difference);
  for (const auto* steps : {&difference.gone, &difference.added}) {
    for (const auto& step : *steps) {
      notifier_.InvalidateName(step.change.inode, step.change.name);
      notifier_.InvalidateInode(step.change.inode);
    }
  }
  const auto tree = tree_.Open();
  for (const auto& step : difference.changed) {
    notifier_.InvalidateInode(step.id);
    // The kernel must know the new size even so, since sendfile(2) asks for none.
    if (tree) tree->Look(step.path);
  }
}

}  // namespace downwardfs
