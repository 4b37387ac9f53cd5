// SPDX-License-Identifier: Apache-2.0
//
// vol_data.json: the kubelet's own record of a CSI volume, which it writes beside the target before
// it asks a driver to publish, and removes after the unpublish (kubernetes
// pkg/volume/csi/csi_mounter.go, SetUpAt and removeMountDir). Root alone can write it, so it says
// whose a place is where the daemon is not believed. A pure function; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

/// The file's name, in the directory of the target.
inline constexpr char kVolumeDataName[] = "vol_data.json";
/// No record of a kubelet is longer.
inline constexpr std::size_t kLongestVolumeData = std::size_t{64} << 10;

struct VolumeData {
  std::string driver;  ///< driverName
  std::string
      volume;  ///< specVolID: the volume's name in the pod's spec; a PersistentVolume's name
};

/// Reads one JSON object whose values are all strings, which is what the kubelet writes (a Go
/// map[string]string). kInvalidArgument for anything else, for a key that occurs twice, and if
/// driverName or specVolID is missing.
Result<VolumeData> ParseVolumeData(std::string_view json);

}  // namespace downwardfs
