// SPDX-License-Identifier: Apache-2.0
// The volume_context of a NodePublishVolume, which has what a pod's author wrote as attributes, as
// KEY=VALUE texts that end in NUL. A refusal is one line with a code that says whether trying again
// helps. A context that is accepted keeps to the limits, and the user's attributes say the same by
// themselves, for that is how the journal gives them back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "csi/publish_request.h"
#include "tests/csi/good_publish.h"

namespace downwardfs {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// The keys that do not stand for an attribute.
const std::map<std::string, std::string PublishRequest::*> kMembers = {
    {"id", &PublishRequest::volume_id},
    {"path", &PublishRequest::target_path},
    {"group", &PublishRequest::mount_group},
};

PublishRequest RequestOf(std::string_view bytes) {
  PublishRequest request = testing::GoodPublish();
  while (!bytes.empty()) {
    const std::string_view pair = bytes.substr(0, bytes.find('\0'));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) {
      const std::string key(pair.substr(0, equals));
      const auto member = kMembers.find(key);
      (member != kMembers.end() ? request.*member->second : request.context[key]) =
          pair.substr(equals + 1);
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
