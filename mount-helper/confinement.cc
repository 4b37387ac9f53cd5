// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/confinement.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/owned_fd.h"

namespace downwardfs {
namespace {

// linux/landlock.h of Linux 6.12; the kernel takes a longer structure if what it does not know is
// zero.
struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scoped = 0;
};
constexpr std::uint64_t kAbstractSockets = 1U << 0U;
constexpr std::uint64_t kSignals = 1U << 1U;
constexpr int kAbiOfRefer = 2;
constexpr int kAbiOfTruncate = 3;
constexpr int kAbiOfDevices = 5;
constexpr int kAbiOfScopes = 6;
constexpr std::uint64_t kRefer = 1U << 13U;
constexpr std::uint64_t kTruncate = 1U << 14U;
constexpr std::uint64_t kDeviceIoctl = 1U << 15U;

constexpr std::uint64_t kFileWrites = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kDirectoryWrites =
    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

// The rights that a ruleset may forbid, as far as the kernel knows it.
struct Rights {
  std::uint64_t of_files = 0;
  std::uint64_t of_directories = 0;
};

Rights WritesOf(int abi) {
  return {kFileWrites | (abi >= kAbiOfTruncate ? kTruncate : 0),
          kDirectoryWrites | (abi >= kAbiOfRefer ? kRefer : 0)};
}

Status AllowBelow(int ruleset, int place, std::uint64_t rights) {
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = rights;
  rule.parent_fd = place;
  if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return {};
  return Fail(ErrorCode::kUnavailable, ErrnoError(errno, "landlock").message);
}

// A path that is not there is left out.
Status AllowPath(int ruleset, const std::string& path, const Rights& rights) {
  const OwnedFd place(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat st = {};
  if (!place || fstat(place.get(), &st) != 0) return {};
  const bool directory = S_ISDIR(st.st_mode);
  return AllowBelow(ruleset, place.get(),
                    rights.of_files | (directory ? rights.of_directories : 0));
}

Status AllowPlaces(int ruleset, const WritablePlaces& places, const Rights& rights) {
  for (const std::string& path : places.paths) {
    if (auto done = AllowPath(ruleset, path, rights); !done) return done;
  }
  for (const std::string& path : places.logs) {
    const Rights grow = {kFileWrites, LANDLOCK_ACCESS_FS_MAKE_REG};
    if (auto done = AllowPath(ruleset, path, grow); !done) return done;
  }
  if (places.directory < 0) return {};
  return AllowBelow(ruleset, places.directory, rights.of_files | rights.of_directories);
}

// Null: all may be written.
Status Restrict(const WritablePlaces* writable) {
  if (Confining() == ConfiningMode::kOff) return {};
  const auto abi = static_cast<int>(
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
  if (abi < 1) return Fail(ErrorCode::kUnavailable, ErrnoError(errno, "landlock").message);
  const Rights rights = WritesOf(abi);
  Ruleset wanted;
  if (writable != nullptr) {
    wanted.files =
        rights.of_files | rights.of_directories | (abi >= kAbiOfDevices ? kDeviceIoctl : 0);
  }
  if (abi >= kAbiOfScopes) wanted.scoped = kAbstractSockets | kSignals;
  if (wanted.files == 0 && wanted.scoped == 0) {
    return Fail(ErrorCode::kUnavailable, "landlock: signals can be forbidden from Linux 6.12 on");
  }
  const OwnedFd ruleset(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &wanted, sizeof wanted, 0)));
  if (!ruleset) return Fail(ErrorCode::kUnavailable, ErrnoError(errno, "landlock").message);
  if (writable != nullptr) {
    if (auto done = AllowPlaces(ruleset.get(), *writable, rights); !done) return done;
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return Fail(ErrorCode::kUnavailable, ErrnoError(errno, "landlock").message);
  }
  return {};
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kInstrumented = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kInstrumented = true;
#else
constexpr bool kInstrumented = false;
#endif
#else
constexpr bool kInstrumented = false;
#endif

}  // namespace

ConfiningMode Confining() {
  if (kInstrumented) return ConfiningMode::kOff;
  const char* const set = std::getenv("DOWNWARDFS_FILTER");  // NOLINT(concurrency-mt-unsafe)
  const std::string_view wanted = set != nullptr ? set : "";
  if (wanted == "off") return ConfiningMode::kOff;
  return wanted == "kill" ? ConfiningMode::kKill : ConfiningMode::kOn;
}

void ForbidDumps() {
  if (Confining() != ConfiningMode::kOff) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

OwnedFd LeaveAllPaths() {
  if (Confining() == ConfiningMode::kOff) return {};
  OwnedFd own(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!own || fchdir(own.get()) != 0 || chroot(".") != 0) return {};
  return own;
}

Status ForbidSignals() {
  return Restrict(nullptr);
}

Status ForbidWrites(const WritablePlaces& places) {
  WritablePlaces all = places;
  all.paths.emplace_back("/dev/null");
  return Restrict(&all);
}

}  // namespace downwardfs
