// SPDX-License-Identifier: Apache-2.0
//
// Small directory trees, reached from a directory's descriptor and never through a symlink:
// writing, reading back and removing what AtomicWriter keeps in a data directory. Errors name the
// path below that directory. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

/// A regular file's bytes and permission bits, and its owner if that is not the writer.
struct TreeFile {
  std::string content;
  std::uint32_t mode = 0;
  std::optional<std::uint32_t> user = {};
};

/// Files by their path below the directory ("res/cpu").
using FileTree = std::map<std::string, TreeFile>;

/// The names in a directory, without "." and "..".
Result<std::vector<std::string>> ListNames(int directory);

/// Opens the directory `name` in `directory`; no symlink is followed. kNotFound if it is not a
/// directory.
Result<OwnedFd> OpenDirectory(int directory, const std::string& name);

/// Writes `tree` into an empty directory: files with exactly their modes, directories 0755,
/// whatever the umask. A file goes to its user if we may give it away; otherwise it stays ours.
Status WriteTree(int directory, const FileTree& tree);

/// Gives the symlink `name` of `directory` to `user`. Done if we may not (EPERM): without CAP_CHOWN
/// every file is the writer's. kFailedPrecondition if it does not lead to `target`: whoever owns
/// the directory may have put any file there, which is not ours to give away.
Status GiveLink(int directory, const std::string& name, const std::string& target,
                std::uint32_t user);

/// Whether `directory` holds just the files of `tree`, owned by their users if we are root. A file
/// that may not be read differs.
bool HoldsTree(int directory, const FileTree& tree);

/// Removes `name` in `directory` with all below it. Done if it does not exist.
Status RemoveTree(int directory, const std::string& name);

}  // namespace downwardfs
