// SPDX-License-Identifier: Apache-2.0
// A NodePublishVolume that nothing is wrong with, for tests that spoil one thing.
#pragma once

#include "csi/publish_request.h"

namespace downwardfs::testing {

inline PublishRequest GoodPublish() {
  PublishRequest request;
  request.volume_id = "csi-1";
  request.target_path = "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/v/mount";
  request.has_capability = request.mount = request.known_access_mode = true;
  request.context = {{"csi.storage.k8s.io/ephemeral", "true"},
                     {"csi.storage.k8s.io/pod.name", "web"},
                     {"csi.storage.k8s.io/pod.namespace", "default"},
                     {"csi.storage.k8s.io/pod.uid", "u"}};
  return request;
}

}  // namespace downwardfs::testing
