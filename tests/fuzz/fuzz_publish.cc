// SPDX-License-Identifier: Apache-2.0
// The volume_context of a NodePublishVolume, which has what a pod's author wrote as attributes, as
// KEY=VALUE texts that end in NUL. A refusal is one line with a code that says whether trying again
// helps. A context that is accepted keeps to the limits, and the user's attributes say the same by
// themselves, for that is how the journal gives them back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "csi/publish_request.h"

namespace downwardfs {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

PublishRequest RequestOf(std::string_view bytes) {
  PublishRequest request;
  request.volume_id = "csi-1";
  request.target_path = "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/v/mount";
  request.has_capability = request.mount = request.known_access_mode = true;
  request.context = {{"csi.storage.k8s.io/ephemeral", "true"},
                     {"csi.storage.k8s.io/pod.name", "web"},
                     {"csi.storage.k8s.io/pod.namespace", "default"},
                     {"csi.storage.k8s.io/pod.uid", "u"}};
  while (!bytes.empty()) {
    const std::string_view pair = bytes.substr(0, bytes.find('\0'));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) {
      const std::string key(pair.substr(0, equals));
      const std::string value(pair.substr(equals + 1));
      if (key == "id") {
        request.volume_id = value;
      } else if (key == "path") {
        request.target_path = value;
      } else if (key == "group") {
        request.mount_group = value;
      } else {
        request.context[key] = value;
      }
    }
    bytes.remove_prefix(std::min(bytes.size(), pair.size() + 1));
  }
  return request;
}

void CheckRefusal(const Error& error) {
  Require(error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kResourceExhausted);
  Require(!error.message.empty() && error.message.find('\n') == std::string::npos);
}

void CheckSpec(const PublishSpec& spec) {
  Require(!spec.volume_id.empty() && spec.volume_id.size() <= 128);
  Require(spec.target_path.front() == '/' && spec.target_path.find("//") == std::string::npos);
  for (const std::string* const name : {&spec.pod.ns, &spec.pod.name, &spec.pod.uid}) {
    Require(!name->empty() && name->find('/') == std::string::npos);
  }
  Require(spec.view.items.items.size() <= 1000);
  PublishSpec again;
  Require(ApplyAttributes(spec.attributes, again).has_value());
  Require(again.layout == spec.layout && again.view.kind == spec.view.kind);
  Require(again.view.items.items.size() == spec.view.items.items.size());
  Require(again.view.items.default_mode == spec.view.items.default_mode);
  for (const char* const kind : {"Node", "Namespace"}) {
    Require(Shows(again.view, kind) == Shows(spec.view, kind));
  }
}

}  // namespace
}  // namespace downwardfs

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace downwardfs;
  const auto spec = ParsePublishRequest(RequestOf({reinterpret_cast<const char*>(data), size}));
  if (spec) {
    CheckSpec(*spec);
  } else {
    CheckRefusal(spec.error());
  }
  return 0;
}
