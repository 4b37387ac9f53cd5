// SPDX-License-Identifier: Apache-2.0
#include "cli/launch_holder.h"

#include <fcntl.h>

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/daemonize.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/caller.h"
#include "cli/free_mount_point.h"
#include "cli/input_user.h"
#include "cli/own_programs.h"
#include "mount-helper/mount_point.h"

namespace downwardfs {
namespace {

// The path of a regular file, or of one that is to be made, without symlinks; empty for any other.
std::string ResolvedFile(const std::string& path) {
  if (path.empty()) return "";
  namespace fs = std::filesystem;
  std::error_code error;
  const auto status = fs::symlink_status(path, error);
  const bool missing = status.type() == fs::file_type::not_found;
  if (!missing && !fs::is_regular_file(path, error)) return "";
  const fs::path given = path;
  const auto folder = fs::canonical(missing ? given.parent_path() : given, error);
  if (error) return "";
  return (missing ? folder / given.filename() : folder).string();
}

std::string TextOf(const RunAs& who) {
  return std::to_string(who.uid) + ":" + std::to_string(who.gid);
}

Status ExecHolder(const MountOptions& options, const InputUsers& users,
                  const MountPoint& mount_point, const OwnedFd& daemon_namespace, int ready_fd) {
  auto self = OwnProgramPath();
  if (!self) return Fail(std::move(self.error()));
  auto holder = FindOwnProgram("downwardfs-holder");
  if (!holder) {
    holder.error().message += "; --no-holder mounts without it";
    return Fail(std::move(holder.error()));
  }
  std::vector<std::string> words = {*holder};
  const auto hand_down = [&words](const char* option, const OwnedFd& fd) {
    if (!fd) return;
    fcntl(fd.get(), F_SETFD, 0);
    words.insert(words.end(), {option, std::to_string(fd.get())});
  };
  hand_down("--mount-directory", mount_point.directory);
  hand_down("--daemon-namespace", daemon_namespace);
  words.insert(words.end(), {"--mount-point", mount_point.path, "--watchdog",
                             std::to_string(options.watchdog_ms)});
  if (options.allow_other) words.emplace_back("--allow-other");
  if (!options.run_as.empty()) words.insert(words.end(), {"--run-as", options.run_as});
  for (const InputUsers::Opened& file : users.opened) {
    words.insert(words.end(), {"--open-input", TextOf(file.by) + ":" + file.path});
  }
  if (!options.resend) words.emplace_back("--no-resend");
  if (!options.selinux_context.empty()) {
    words.insert(words.end(), {"--selinux-context", options.selinux_context});
  }
  if (ready_fd >= 0) words.insert(words.end(), {"--ready-fd", std::to_string(ready_fd)});
  for (const int fd : InputDescriptors(options)) {
    words.insert(words.end(), {"--input-fd", std::to_string(fd)});
  }
  words.insert(words.end(), {"--", *self});
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  // The daemon is where the holder is, and finds relative paths from where the caller was. The log
  // file's path is walked once for all daemons: the owner of a directory on it could have a later
  // one write elsewhere.
  std::vector<std::string> more;
  if (!options.directory.empty()) more = {"--directory", options.directory};
  const std::string log = daemon_namespace ? "" : ResolvedFile(options.log.file);
  if (!log.empty()) more.insert(more.end(), {"--log-file-at", log});
  const auto command = words.end() - static_cast<std::ptrdiff_t>(options.arguments.size()) + 1;
  words.insert(command, more.begin(), more.end());
  return ExecProgram(words);
}

void SayUsers(const InputUsers& users) {
  if (users.daemon) {
    std::fprintf(stderr,
                 "downwardfs: the daemon runs as %s, to whom an input belongs (--run-as chooses "
                 "another user)\n",
                 TextOf(*users.daemon).c_str());
  }
  for (const InputUsers::Opened& file : users.opened) {
    if (!file.denied) continue;
    std::fprintf(stderr, "downwardfs: %s is opened as user %s: the daemon may not\n",
                 OneLine(file.path).c_str(), TextOf(file.by).c_str());
  }
}

}  // namespace

Result<int> LaunchHolder(const MountOptions& given, const OwnedFd& daemon_namespace) {
  MountOptions options = given;
  if (auto done = CheckFuseAvailable(); !done) return Fail(std::move(done.error()));
  auto mount_point = FreeMountPoint(options.mount_point, options.over_mounts);
  if (!mount_point) return Fail(std::move(mount_point.error()));
  InputUsers users;
  if (options.run_as.empty()) {
    auto found = UsersOfInputs(options, daemon_namespace);
    if (!found) return Fail(std::move(found.error()));
    users = std::move(*found);
    if (users.daemon) options.run_as = TextOf(*users.daemon);
    SayUsers(users);
  }
  if (options.foreground) {
    auto done = ExecHolder(options, users, *mount_point, daemon_namespace, -1);
    return Fail(std::move(done.error()));
  }
  auto ready = ForkUntilReady([&] { RemoveLostMount(*mount_point); });
  if (!ready) return Fail(std::move(ready.error()));
  const int fd = ready->ReleaseForExec();
  auto done = ExecHolder(options, users, *mount_point, daemon_namespace, fd);
  return Fail(std::move(done.error()));
}

}  // namespace downwardfs
