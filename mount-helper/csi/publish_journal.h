// SPDX-License-Identifier: Apache-2.0
//
// Which volumes are published, on disk: a file per volume, written so that a power cut leaves the
// old state or the new: a changed record replaces the one before by rename, after an fsync; of a
// new one, which is part of every publish, half a record counts as none, and no mount survives a
// power cut anyway. It is read at the start of a daemon and says what the volumes that it is handed
// are, and which are to be mounted anew. No token, no secret is ever in it. Used by one thread at a
// time for each volume.
#pragma once

#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "mount-helper/csi/publish_request.h"

namespace downwardfs {

class PublishJournal {
 public:
  /// Opens the directory; makes it, 0700, where its parent is there.
  static Result<PublishJournal> Open(const std::string& directory);

  Status Write(const PublishSpec& spec) const;
  /// Does nothing where there is none.
  Status Remove(const std::string& volume_id) const;
  /// All that can be read. Half a record is removed; one of another format is logged and stays.
  std::vector<PublishSpec> Read() const;

 private:
  PublishJournal(OwnedFd directory, std::string path)
      : directory_(std::move(directory)), path_(std::move(path)) {}

  OwnedFd directory_;
  std::string path_;
};

}  // namespace downwardfs
