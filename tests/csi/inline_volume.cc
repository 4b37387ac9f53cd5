// SPDX-License-Identifier: Apache-2.0
#include "tests/csi/inline_volume.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace downwardfs::testing {

void WriteVolumeData(const std::string& target, const std::string& driver,
                     const std::string& volume) {
  const nlohmann::json record = {{"attachmentID", "csi-0a"}, {"driverName", driver},
                                 {"nodeName", "node1"},      {"specVolID", volume},
                                 {"volumeHandle", "csi-1b"}, {"volumeLifecycleMode", "Ephemeral"}};
  const auto above = std::filesystem::path(target).parent_path();
  std::filesystem::create_directories(above);
  std::ofstream(above / "vol_data.json") << record << "\n";
}

std::string InlineVolume::target_path() const {
  return kubelet + "/pods/" + uid + "/volumes/kubernetes.io~csi/" + volume + "/mount";
}

PublishCall InlineVolume::Call(const std::string& items) const {
  PublishCall call;
  call.volume_id = "csi-" + pod + "-" + volume;
  call.target_path = target_path();
  WriteVolumeData(call.target_path, driver, volume);
  call.context = {{"csi.storage.k8s.io/ephemeral", "true"},
                  {"csi.storage.k8s.io/pod.name", pod},
                  {"csi.storage.k8s.io/pod.namespace", "default"},
                  {"csi.storage.k8s.io/pod.uid", uid},
                  {"csi.storage.k8s.io/serviceAccount.name", account},
                  {"items", items}};
  return call;
}

}  // namespace downwardfs::testing
