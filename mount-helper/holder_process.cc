// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/process.h"

namespace downwardfs {
namespace {

constexpr std::string_view kProgram = "downwardfs-holder";

tl::unexpected<Error> NotTheHolder(pid_t pid, const std::string& why) {
  return Fail(ErrorCode::kFailedPrecondition,
              "process " + std::to_string(pid) + " is not this mount's holder: " + why);
}

// A file of the process's directory in /proc; empty if it cannot be read.
std::string ReadAt(int directory, const std::string& name) {
  const OwnedFd fd(openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return "";
  auto text = ReadAll(fd.get(), name);
  return text ? std::move(*text) : "";
}

std::string LinkAt(int directory, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t n = readlinkat(directory, name.c_str(), target, sizeof target);
  return {target, static_cast<std::size_t>(n > 0 ? n : 0)};
}

// The words that follow `key` and white space on its line.
std::string_view FieldOf(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (line.substr(0, key.size()) == key) {
      const auto value = line.find_first_not_of(" \t", key.size());
      return value == std::string_view::npos ? "" : line.substr(value);
    }
    at = end + 1;
  }
  return {};
}

bool RunsAsRoot(int process) {
  return FieldOf(ReadAt(process, "status"), "Uid:") == "0\t0\t0\t0";
}

bool RunsTheHolder(int process) {
  const std::string program = StartedFrom(LinkAt(process, "exe"));
  return program.substr(program.rfind('/') + 1) == kProgram;
}

// Whether it has the FUSE device open, and of this connection if the kernel says of which one: the
// number is the minor one of the mount's device.
bool ServesConnection(int process, const std::string& device) {
  const OwnedFd listing(openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!listing) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> files(fdopendir(dup(listing.get())), closedir);
  if (!files) return false;
  const std::string connection = device.substr(device.find(':') + 1);
  while (const dirent* const file = readdir(files.get())) {
    if (LinkAt(listing.get(), file->d_name) != "/dev/fuse") continue;
    const std::string info = ReadAt(process, std::string("fdinfo/") + file->d_name);
    const auto said = FieldOf(info, "fuse_connection:");
    if (said.empty() || said == connection) return true;
  }
  return false;
}

bool MountedByRoot(const MountEntry& mount) {
  return ("," + mount.super_options + ",").find(",user_id=0,") != std::string::npos;
}

}  // namespace

Result<HolderProcess> HolderProcess::Prove(pid_t pid, const MountEntry& mount) {
  const std::string name = "process " + std::to_string(pid);
  if (!IsDownwardfs(mount) || !MountedByRoot(mount)) {
    return NotTheHolder(pid, "the mount is not root's");
  }
  // First: whatever is read after this is of the process that is signalled, if that still lives.
  HolderProcess process(OwnedFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))));
  if (!process.process_) return Fail(ErrnoError(errno, name));
  const std::string path = "/proc/" + std::to_string(pid);
  const OwnedFd directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Fail(ErrnoError(errno, name));
  if (!RunsAsRoot(directory.get())) return NotTheHolder(pid, "it is not root's");
  if (!RunsTheHolder(directory.get())) return NotTheHolder(pid, "it runs another program");
  if (!ServesConnection(directory.get(), mount.device)) {
    return NotTheHolder(pid, "it does not have this mount's FUSE device");
  }
  if (auto lives = process.Signal(0); !lives) return Fail(std::move(lives.error()));
  return process;
}

Status HolderProcess::Signal(int signal) const {
  if (syscall(SYS_pidfd_send_signal, process_.get(), signal, nullptr, 0) == 0) return {};
  return Fail(ErrnoError(errno, "the holder"));
}

}  // namespace downwardfs
