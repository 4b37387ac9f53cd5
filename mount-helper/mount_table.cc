// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_table.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"

namespace downwardfs {
namespace {

// Space, tab, newline and backslash stand as \ooo.
std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    if (text[i] == '\\' && i + 3 < text.size()) {
      const auto* first = text.data() + i + 1;
      if (std::from_chars(first, first + 3, value, 8).ptr == first + 3) {
        out += static_cast<char>(value);
        i += 3;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string_view NextField(std::string_view& line) {
  const auto space = line.find(' ');
  const std::string_view field = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return field;
}

std::optional<MountEntry> ParseLine(std::string_view line) {
  MountEntry entry;
  for (int* const number : {&entry.id, &entry.parent}) {
    const std::string_view field = NextField(line);
    if (std::from_chars(field.data(), field.data() + field.size(), *number).ec != std::errc()) {
      return std::nullopt;
    }
  }
  entry.device = NextField(line);
  NextField(line);  // root of the mount within its file system
  entry.mount_point = Unescape(NextField(line));
  entry.options = NextField(line);
  while (!line.empty() && NextField(line) != "-") {
  }
  entry.fs_type = Unescape(NextField(line));
  entry.source = Unescape(NextField(line));
  entry.super_options = NextField(line);
  if (entry.mount_point.empty() || entry.fs_type.empty()) return std::nullopt;
  return entry;
}

// Another mount lies on the whole of it. The root of a namespace may have itself for its parent.
bool IsCovered(const std::vector<MountEntry>& table, const MountEntry& lower) {
  return std::any_of(table.begin(), table.end(), [&](const MountEntry& mount) {
    return mount.parent == lower.id && mount.id != lower.id &&
           mount.mount_point == lower.mount_point;
  });
}

}  // namespace

std::vector<MountEntry> ParseMountInfo(std::string_view text) {
  std::vector<MountEntry> entries;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (auto entry = ParseLine(text.substr(0, end))) entries.push_back(std::move(*entry));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return entries;
}

std::optional<MountEntry> TopMount(const std::vector<MountEntry>& table, const std::string& path) {
  const MountEntry* top = nullptr;
  for (const MountEntry& mount : table) {
    if (mount.mount_point == path && (top == nullptr || !IsCovered(table, mount))) top = &mount;
  }
  if (top == nullptr) return std::nullopt;
  return *top;
}

Result<std::optional<MountEntry>> FindMount(const std::string& path) {
  auto text = ReadFile("/proc/self/mountinfo");
  if (!text) return Fail(std::move(text.error()));
  return TopMount(ParseMountInfo(*text), path);
}

std::optional<std::string> UncoveredPath(const std::vector<MountEntry>& table, int mount_id,
                                         const std::string& device) {
  const auto ours = std::find_if(table.begin(), table.end(), [&](const MountEntry& mount) {
    return mount.id == mount_id && mount.device == device;
  });
  if (ours == table.end()) return std::nullopt;
  if (IsCovered(table, *ours)) return std::nullopt;
  return ours->mount_point;
}

bool IsDownwardfs(const MountEntry& entry) {
  return entry.fs_type == "fuse.downwardfs";
}

}  // namespace downwardfs
