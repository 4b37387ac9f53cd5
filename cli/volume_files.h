// SPDX-License-Identifier: Apache-2.0
//
// Files of a pod's volumes as they are seen from a process of the pod, or of its node: for the
// fileKeyRefs of `exec`. One thread.
#pragma once

#include <memory>
#include <string>

#include "fs/projection/document.h"
#include "fs/projection/env.h"

namespace downwardfs {

/// Reads from where a container of `pod` mounts the volume (first `container`, or the only one if
/// it is empty), or else from the kubelet's directory below `kubelet_dir`. A path is resolved in
/// the volume, its symbolic links too. Files may have 1 MiB.
class VolumeFiles final : public EnvFiles {
 public:
  VolumeFiles(const Json& pod, std::string container, std::string kubelet_dir = "/var/lib/kubelet");
  ~VolumeFiles() override;

  Result<std::string> Read(const std::string& volume, const std::string& path) override;

 private:
  const std::unique_ptr<const Json> pod_;
  const std::string container_;
  const std::string kubelet_dir_;
};

}  // namespace downwardfs
