// SPDX-License-Identifier: Apache-2.0
//
// One version of a volume: the files below its data directory, never changed after it was made.
// A change of the pod makes a new version; whoever still reads the old one holds a shared_ptr to
// it. So everything that the kernel caches about an entry is right for ever. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/projection/projected_file.h"
#include "fs/volume/file_contents.h"

namespace downwardfs {

/// One directory or file of a version.
struct TreeEntry {
  std::string name;
  bool is_directory = false;
  std::uint32_t mode = 0;  ///< permission bits
  /// Of a file: its owner, if it has one of its own. Of a directory: that of the last file below it
  /// that has one, for the link that leads to it.
  std::optional<std::uint32_t> user;
  std::uint32_t parent = 0;             ///< index of the directory; the root is its own parent
  std::uint32_t file = 0;               ///< of a file: its place in the contents
  std::string source;                   ///< of a file: the fieldPath or resource that it shows
  std::vector<std::uint32_t> children;  ///< of a directory: indexes, sorted by name
  std::uint32_t subdirectories = 0;
};

class VolumeVersion {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  /// Builds the tree of `files`, whose paths have passed ValidateLayout. `data_dir` is the name of
  /// the data directory, made by DataDirNamer.
  static std::shared_ptr<const VolumeVersion> Make(std::vector<ProjectedFile> files,
                                                   std::string data_dir, WallTime created);
  /// The same, with contents that may be rendered later; those of `files` are not looked at.
  static std::shared_ptr<const VolumeVersion> Make(const std::vector<ProjectedFile>& files,
                                                   std::shared_ptr<const FileContents> contents,
                                                   std::string data_dir, WallTime created);

  const std::string& data_dir() const { return data_dir_; }
  WallTime created() const { return created_; }

  /// Number of entries; index 0 is the data directory itself.
  std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
  const TreeEntry& entry(std::uint32_t index) const { return entries_[index]; }

  /// The indexes of the regular files, in the order of the contents.
  std::vector<std::uint32_t> Files() const;
  /// The path of an entry below the data directory.
  std::string Path(std::uint32_t index) const;

  /// The index of `name` in the directory `directory`.
  std::optional<std::uint32_t> Child(std::uint32_t directory, std::string_view name) const;

  /// Regular files.
  std::uint64_t file_count() const { return file_count_; }
  /// The files' bytes, at TreeEntry::file: rendered now if nobody has asked before.
  FileContents::BytesPtr Contents() const { return contents_->Read(); }
  /// The same for a comparison: rendered for it alone if nobody has asked before.
  FileContents::BytesPtr PeekContents() const { return contents_->Peek(); }
  /// How many bytes of content are held in memory; 0 while nobody has asked.
  std::uint64_t kept_bytes() const { return contents_->kept_bytes(); }

 private:
  VolumeVersion() = default;
  std::uint32_t Add(std::uint32_t parent, std::string name);
  std::uint32_t MakeDirectories(std::string_view& path);
  void SetUser(std::uint32_t index, std::uint32_t user);
  void SortChildren();

  std::string data_dir_;
  WallTime created_;
  std::vector<TreeEntry> entries_;
  std::uint64_t file_count_ = 0;
  std::shared_ptr<const FileContents> contents_;
};

using VolumeVersionPtr = std::shared_ptr<const VolumeVersion>;

}  // namespace downwardfs
