// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>

namespace downwardfs {

namespace {

constexpr std::uint32_t kNoChangeOfId = ~std::uint32_t{0};

// from_chars takes no sign and no space, and refuses what does not fit.
std::optional<std::uint32_t> ParseId(std::string_view text) {
  std::uint32_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || at != end || id == kNoChangeOfId) return std::nullopt;
  return id;
}

}  // namespace

std::optional<RunAs> ParseRunAs(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto uid = ParseId(text.substr(0, colon));
  const auto gid = ParseId(text.substr(colon + 1));
  if (!uid || !gid) return std::nullopt;
  return RunAs{*uid, *gid};
}

Status BecomeUser(const RunAs& who) {
  if (setgroups(0, nullptr) != 0) return Fail(ErrnoError(errno, "setgroups"));
  if (setresgid(who.gid, who.gid, who.gid) != 0) return Fail(ErrnoError(errno, "setresgid"));
  if (setresuid(who.uid, who.uid, who.uid) != 0) return Fail(ErrnoError(errno, "setresuid"));
  return {};
}

namespace {

// `kept`: bits by the number of the capability.
Status DropCapabilities(std::uint64_t kept) {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // Past the last one that the kernel knows it says EINVAL; without CAP_SETPCAP there is nothing in
  // the bounding set that we could get.
  for (int capability = 0;; ++capability) {
    if ((kept >> capability & 1) == 0 && prctl(PR_CAPBSET_DROP, capability) != 0) break;
  }
  constexpr unsigned long kNoRoot = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  // Without the right to set them we had no capability to begin with.
  static_cast<void>(prctl(PR_SET_SECUREBITS, kNoRoot));
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (kept != 0 && syscall(SYS_capget, &header, sets) != 0) {
    return Fail(ErrnoError(errno, "capget"));
  }
  for (unsigned half = 0; half < 2; ++half) {
    const auto stays = static_cast<std::uint32_t>(kept >> 32 * half) & sets[half].permitted;
    sets[half] = {stays, stays, 0};
  }
  if (syscall(SYS_capset, &header, sets) != 0) return Fail(ErrnoError(errno, "capset"));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Fail(ErrnoError(errno, "no_new_privs"));
  }
  return {};
}

}  // namespace

Status DropAllCapabilities() {
  return DropCapabilities(0);
}

Status DropCapabilitiesBut(int capability) {
  return DropCapabilities(std::uint64_t{1} << capability);
}

}  // namespace downwardfs
