// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/handover_records.h"

#include <utility>
#include <vector>

#include "fs/volume/handover_checks.h"

namespace downwardfs {

tl::unexpected<Error> DamagedMemory(const std::string& what) {
  return Fail(ErrorCode::kFailedPrecondition, "the handover memory is damaged: " + what);
}

namespace {

// A file's mode, and above it its own user and one more; a build that knows no users leaves them
// out.
constexpr unsigned kUserShift = 32;

std::uint64_t ModeAndUser(const TreeEntry& entry) {
  if (!entry.user) return entry.mode;
  return entry.mode | (std::uint64_t{*entry.user} + 1) << kUserShift;
}

void TakeModeAndUser(std::uint64_t number, ProjectedFile& file) {
  file.mode = static_cast<std::uint32_t>(number);
  if (const auto user = number >> kUserShift; user != 0) {
    file.user = static_cast<std::uint32_t>(user - 1);
  }
}

}  // namespace

void AppendVersion(RecordWriter& record, const VolumeVersion& version) {
  const auto contents = version.PeekContents();
  record.Number(ToNanoseconds(version.created()));
  record.Text(version.data_dir()).Number(version.file_count());
  for (const std::uint32_t file : version.Files()) {
    const TreeEntry& entry = version.entry(file);
    record.Text(version.Path(file)).Number(ModeAndUser(entry)).Text(entry.source);
    record.Text((*contents)[entry.file]);
  }
}

VolumeVersionPtr ReadVersion(RecordReader& record) {
  const auto created = FromNanoseconds(record.Number());
  const std::string data_dir(record.Text());
  const std::uint64_t count = record.Number();
  std::vector<ProjectedFile> files;
  for (std::uint64_t i = 0; i < count && record.ok(); ++i) {
    ProjectedFile file;
    file.path = record.Text();
    TakeModeAndUser(record.Number(), file);
    file.source = record.Text();
    file.content = record.Text();
    files.push_back(std::move(file));
  }
  if (!record.ok() || !IsTime(created) || !AreFilesOfOneTree(files)) return nullptr;
  return VolumeVersion::Make(std::move(files), data_dir, created);
}

std::uint64_t ToNanoseconds(std::chrono::system_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

std::chrono::system_clock::time_point FromNanoseconds(std::uint64_t nanoseconds) {
  using Time = std::chrono::system_clock::time_point;
  return Time(std::chrono::duration_cast<Time::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds))));
}

}  // namespace downwardfs
