// SPDX-License-Identifier: Apache-2.0
// A directory for one test, removed with all it holds when the test ends.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace downwardfs::testing {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  /// The path of `name` below the directory.
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  /// Writes a file below the directory in place; returns its path.
  std::string Write(std::string_view name, std::string_view bytes) const;
  /// Writes a file as editors do: a temporary file, renamed over `name`.
  void Replace(std::string_view name, std::string_view bytes) const;
  /// Makes an empty directory below; returns its path.
  std::string MakeDir(std::string_view name) const;

 private:
  std::string path_;
};

}  // namespace downwardfs::testing
