// SPDX-License-Identifier: Apache-2.0
// The arguments that mount(8) gives its helper `mount.downwardfs`, turned into the command line of
// `downwardfs mount`. Pure functions; any thread. Source of the calling convention: mount(8),
// "EXTERNAL HELPERS": mount.TYPE SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE.SUBTYPE].
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace downwardfs {

struct MountRequest {
  std::string source;  ///< the device field: "none", or a pod as NAMESPACE/NAME
  std::string mount_point;
  std::string options;          ///< as after -o; several -o are joined with commas
  std::string mount_namespace;  ///< -N: the file of one, or a process in it; empty: the present one
  bool fake = false;            ///< -f: check everything, mount nothing
  bool sloppy = false;          ///< -s: leave out options that are not known
  bool verbose = false;         ///< -v: print the command that is run
};

/// Reads the helper's arguments, without argv[0]. kInvalidArgument names what is wrong.
Result<MountRequest> ParseMountArguments(const std::vector<std::string>& arguments);

/// The arguments of `downwardfs` ("mount", "--pod", ...). An option is a long option of
/// `downwardfs mount` without its dashes, or one of those in generic_options.h: accepted, or
/// refused with a reason. Others are refused by name.
Result<std::vector<std::string>> MountCommand(const MountRequest& request);

/// Splits at commas, but not within double quotes, which are removed: `a="b,c",d`.
std::vector<std::string> SplitMountOptions(std::string_view options);

}  // namespace downwardfs
