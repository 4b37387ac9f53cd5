// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/volume_content.h"

#include <charconv>

namespace downwardfs::bench {
namespace {

// How often a file says the number: a label or two, and what kubectl apply leaves.
int Repeats(const std::string& path) {
  if (path == "annotations") return 900;
  return path == "labels" ? 40 : 1;
}

}  // namespace

const std::vector<std::string>& VolumePaths() {
  static const std::vector<std::string> paths = {"annotations", "labels",     "name", "namespace",
                                                 "res/cpu",     "res/memory", "uid"};
  return paths;
}

std::vector<ProjectedFile> NumberedFiles(std::uint64_t number) {
  const std::string unit = std::to_string(number) + "-";
  std::vector<ProjectedFile> files;
  for (const std::string& path : VolumePaths()) {
    ProjectedFile file;
    file.path = path;
    for (int i = 0; i < Repeats(path); ++i) file.content += unit;
    file.source = "metadata.labels";
    files.push_back(std::move(file));
  }
  return files;
}

std::int64_t NumberIn(std::string_view content) {
  std::int64_t number = -1;
  const std::size_t unit = content.find('-') + 1;  // 0: no "-"
  const auto read = std::from_chars(content.data(), content.data() + content.size(), number);
  if (unit == 0 || read.ec != std::errc() || read.ptr != content.data() + unit - 1) return -1;
  if (content.size() % unit != 0) return -1;
  for (std::size_t at = unit; at < content.size(); at += unit) {
    if (content.compare(at, unit, content, 0, unit) != 0) return -1;
  }
  return number;
}

}  // namespace downwardfs::bench
