// SPDX-License-Identifier: Apache-2.0
//
// One manifest file and when to read it again. Editors save in many ways: rename over, truncate and
// write, remove and create again, a symlink swapped. So a file is read at once when a writer closes
// it or a name moves to it, and after 100 ms of quiet when it was written to and left open; content
// during whose reading the file was written to is thrown away; and what cannot be used is called
// broken only after those 100 ms too, for an editor may be half-way. No writer can hold us off for
// good: after 250 ms of steady writing a read counts if the file's times did not move during it. A
// file that cannot be read (no descriptor left, a server away) is read again after 1 s, doubled up
// to 60 s, and so is a path that cannot be watched. A file in a directory that this process may not
// enter, which another opens for it (base/file.h, OpenToRead), is looked at once a second.
//
// A path that is no regular file (a FIFO, /dev/stdin, "-") is read once and never watched.
// Owned by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/retry.h"
#include "fs/projection/document.h"
#include "sources/path_watcher.h"

namespace downwardfs {

/// See the head of this file.
class WatchedFile {
 public:
  using Content = std::vector<Json>;
  using Parser = Result<Content> (*)(std::string_view bytes);
  using Time = std::chrono::steady_clock::time_point;

  WatchedFile(std::string path, Parser parser);

  const std::string& path() const { return path_; }
  /// The path from the root, for people; "standard input".
  const std::string& description() const { return description_; }

  /// Reads and parses the file now. Errors begin with the path.
  Result<Content> Load() const;

  /// Begins to watch the file, if it can be watched, and makes Poll() read it once more: it may
  /// have changed since Load().
  Status Watch();

  /// Readable when Poll() should be called; -1 where there is nothing to watch.
  int fd() const { return watcher_ ? watcher_->fd() : -1; }

  /// When Poll() should be called even if fd() is not readable.
  std::optional<Time> deadline() const;

  /// Takes in what has happened. News, if there is any: the content of the file, or why it cannot
  /// be used. It need not differ from the last news.
  std::optional<Result<Content>> Poll();

 private:
  Result<std::string> Read() const;
  Result<Content> Parse(std::string_view bytes) const;
  void Note(PathChanges::Last last);
  void LookIfBlind(Time now);

  /// The facts that a change of the file changes; all zero if it cannot be opened.
  struct Look {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0;  // nanoseconds
    std::int64_t changed = 0;
    bool operator==(const Look&) const = default;
  };
  static Look LookAt(const std::string& path);

  std::string path_;
  std::string absolute_;
  std::string description_;
  Parser parser_;
  bool watchable_ = false;
  std::optional<PathWatcher> watcher_;
  std::optional<Time> due_;          // when to read
  std::optional<Time> dirty_since_;  // of the first change that is not answered yet
  bool quiet_ = false;               // due_ is the end of a quiet time
  Retry retry_;                      // of reading: no event says when that would succeed
  std::optional<Time> again_at_;
  std::optional<Time> look_at_;  // the next look at a file that no event tells of
  Look seen_;
};

}  // namespace downwardfs
