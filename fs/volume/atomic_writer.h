// SPDX-License-Identifier: Apache-2.0
//
// A volume's files in an ordinary directory, changed all at once, by the steps of the kubelet's
// atomic writer (Kubernetes, pkg/volume/util/atomic_writer.go):
//   1. the paths are checked                     5. a symlink in DIR for each first path element
//   2. nothing is done if nothing changed        6. `..data_tmp` -> the new directory
//   3. a new data directory, 0755                7. rename `..data_tmp` to `..data`: the change
//   4. the files in it, with their modes         8. symlinks of gone files, the old directory go
// Until step 7 readers see the old version whole; a failure before it leaves that version in place
// and takes back what was made. Differences from the kubelet: the mode of a file counts as a change
// too (the kubelet compares only bytes and paths); what a killed writer left is removed; a name in
// DIR that is not ours is an error, where the kubelet would keep it and hide the item. Nothing is
// followed but DIR itself, once, and nothing is removed but `..data_tmp`, data directories by their
// form of name, and symlinks NAME -> ..data/NAME. Nothing is synced to disk: after a power cut the
// next write starts anew.
//
// Owned and called by one thread. DIR is locked (flock) while a writer has it open: a second writer
// would take the first one's new directory for a leftover.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "fs/projection/projected_file.h"
#include "fs/volume/data_dir_name.h"
#include "fs/volume/dir_tree.h"

namespace downwardfs {

/// See the head of this file.
class AtomicWriter {
 public:
  /// Opens DIR. kNotFound if it does not exist or is no directory, kAlreadyExists if another
  /// downwardfs writes to it. `clock` outlives the writer.
  static Result<std::unique_ptr<AtomicWriter>> Open(const std::string& directory,
                                                    const Clock& clock);

  /// Makes DIR show exactly `files`. Errors name DIR and what is wrong in it. If another directory
  /// has taken DIR's place, that one is written to from now on. Its path was resolved by Open(): a
  /// symbolic link that somebody puts into it later is refused, so nobody can lead us elsewhere.
  Status Write(const std::vector<ProjectedFile>& files);

  /// False if another directory (or nothing) is in DIR's place, or if one of the links that the
  /// last Write() left in it is gone or leads nowhere: then Write() must be called again.
  bool InPlace() const;

 private:
  AtomicWriter(std::string path, std::string place, OwnedFd directory, const Clock& clock)
      : path_(std::move(path)),
        place_(std::move(place)),
        directory_(std::move(directory)),
        namer_(clock) {}

  /// Whether the directory that is open is the one at `place_`.
  bool IsThere() const;
  /// Opens the directory that is at `place_` now.
  Status Reopen();
  Status Update(const FileTree& tree);
  /// The data directory that `..data` names; empty if it is missing.
  Result<std::string> CurrentDataDir() const;
  /// Whether `name` in DIR is our symlink (true), is free (false), or is something else (an error).
  Result<bool> HasOurLink(const std::string& name) const;
  /// Removes what a killed writer left: `..data_tmp`, data directories other than `current`.
  Status RemoveLeftovers(const std::vector<std::string>& names, const std::string& current) const;
  Result<std::string> MakeDataDir(const FileTree& tree);
  Status MakeLinks(const FileTree& tree, std::vector<std::string>& made) const;
  Status Flip(const std::string& data_dir) const;

  const std::string path_;   // as the user wrote it
  const std::string place_;  // absolute, without symlinks
  OwnedFd directory_;
  DataDirNamer namer_;
  std::vector<std::string> links_;  // that the last Write() left in DIR
};

}  // namespace downwardfs
