// SPDX-License-Identifier: Apache-2.0
// The mount options that are not of downwardfs: those of mount(8) for any file system, of fstab(5)
// and systemd.mount(5), and of mount.fuse3(8), which people write by habit. Each is accepted or
// refused with a reason. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace downwardfs {

struct GenericOption {
  enum class Meaning {
    kNothing,  ///< holds for our mounts anyway, or is for whoever calls us
    kFlag,     ///< stands for the flag `text` of `downwardfs mount`
    kValue,    ///< stands for `text` with the same value
    kRefused,  ///< because of `text`
  };
  std::string_view name;
  Meaning meaning = Meaning::kNothing;
  std::string_view text{};
};

/// Nothing if it is no such option. `name` has no value.
std::optional<GenericOption> FindGenericOption(std::string_view name);

/// True for "system_u:object_r:etc_t:s0" and the like. mount(8) takes such a value in context=,
/// which is the kubeconfig's context with any other value.
bool IsSelinuxLabel(std::string_view value);

}  // namespace downwardfs
