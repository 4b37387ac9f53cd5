// SPDX-License-Identifier: Apache-2.0
//
// Which volumes are published, on disk: a file per volume, written so that a power cut leaves the
// old state or the new: a changed record replaces the one before by rename, after an fsync; of a
// new one, which is part of every publish, half a record counts as none, and no mount survives a
// power cut anyway. It is read at the start of a daemon and says what the volumes that it is handed
// are, and which are to be mounted anew. No token, no secret is ever in it.
//
// The directory must be this user's, and nobody else may write there; all the same nothing in it is
// removed but what cannot be anything else than ours. Used by one thread at a time for each volume.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "csi/publish_request.h"

namespace downwardfs {

class PublishJournal {
 public:
  /// The records in the directory.
  struct Records {
    std::vector<PublishSpec> specs;
    /// Files that may be records and cannot be read: of a newer format, torn, or somebody's.
    std::set<std::string> unreadable;
    /// Whether one of those is the record of that volume.
    bool MayHave(const std::string& volume_id) const;
  };

  /// Opens the directory; makes it, 0700, where its parent is there. kFailedPrecondition where it
  /// is not this user's alone.
  static Result<PublishJournal> Open(const std::string& directory);

  Status Write(const PublishSpec& spec) const;
  /// Does nothing if the record is missing.
  Status Remove(const std::string& volume_id) const;
  /// An error where the directory cannot be listed: then anything may be published. Our own
  /// temporary files and torn records are removed; what else cannot be read is logged and stays.
  Result<Records> Read() const;

 private:
  Result<std::string> ReadText(const std::string& name) const;

  PublishJournal(OwnedFd directory, std::string path)
      : directory_(std::move(directory)), path_(std::move(path)) {}

  OwnedFd directory_;
  std::string path_;
};

}  // namespace downwardfs
