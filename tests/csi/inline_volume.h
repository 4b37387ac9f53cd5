// SPDX-License-Identifier: Apache-2.0
// A kubelet's part of an inline CSI volume, for tests and benchmarks: the directory above the
// target_path, its record vol_data.json, and the call that it makes. Any thread.
#pragma once

#include <string>

#include "tests/csi/csi_client.h"

namespace downwardfs::testing {

/// Makes the directory above `target` and the kubelet's record in it (Kubernetes
/// pkg/volume/csi/csi_mounter.go, saveVolumeData).
void WriteVolumeData(const std::string& target, const std::string& driver,
                     const std::string& volume);

/// A volume of a pod's spec, as the kubelet knows it.
struct InlineVolume {
  std::string kubelet;  ///< the kubelet's directory
  std::string pod;
  std::string uid;
  std::string volume = "info";
  std::string driver = "csi.downwardfs.dev";
  std::string account = "default";

  std::string target_path() const;
  /// NodePublishVolume for it, with `items`; the record is written.
  PublishCall Call(const std::string& items) const;
};

}  // namespace downwardfs::testing
