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

namespace downwardfs {

/// One directory or file of a version.
struct TreeEntry {
  std::string name;
  bool is_directory = false;
  std::uint32_t mode = 0;               ///< permission bits
  std::uint32_t parent = 0;             ///< index of the directory; the root is its own parent
  std::string content;                  ///< of a file
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

  const std::string& data_dir() const { return data_dir_; }
  WallTime created() const { return created_; }

  /// Number of entries; index 0 is the data directory itself.
  std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
  const TreeEntry& entry(std::uint32_t index) const { return entries_[index]; }

  /// The index of `name` in the directory `directory`.
  std::optional<std::uint32_t> Child(std::uint32_t directory, std::string_view name) const;

  /// Regular files.
  std::uint64_t file_count() const { return file_count_; }
  /// The bytes of all files.
  std::uint64_t content_bytes() const { return content_bytes_; }

 private:
  VolumeVersion() = default;
  std::uint32_t Add(std::uint32_t parent, std::string name);
  void SortChildren();

  std::string data_dir_;
  WallTime created_;
  std::vector<TreeEntry> entries_;
  std::uint64_t file_count_ = 0;
  std::uint64_t content_bytes_ = 0;
};

using VolumeVersionPtr = std::shared_ptr<const VolumeVersion>;

}  // namespace downwardfs
