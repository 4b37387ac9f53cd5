// SPDX-License-Identifier: Apache-2.0
#include "csi/publish_request.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "fs/projection/field_ref.h"
#include "mount-helper/volume_place.h"
#include "sources/items_file.h"

namespace downwardfs {
namespace {

// The attributes that the kubelet adds for a driver with podInfoOnMount (kubernetes
// pkg/volume/csi/csi_plugin.go).
constexpr std::string_view kKubeletPrefix = "csi.storage.k8s.io/";
constexpr char kPodName[] = "csi.storage.k8s.io/pod.name";
constexpr char kPodNamespace[] = "csi.storage.k8s.io/pod.namespace";
constexpr char kPodUid[] = "csi.storage.k8s.io/pod.uid";
constexpr char kServiceAccount[] = "csi.storage.k8s.io/serviceAccount.name";
constexpr char kEphemeral[] = "csi.storage.k8s.io/ephemeral";

constexpr std::size_t kLongestId = 128;       // CSI specification: size limits of string fields
constexpr std::size_t kLongestPath = 4096;    // PATH_MAX, as the specification allows
constexpr std::size_t kLongestItems = 65536;  // bytes of YAML
constexpr std::size_t kMostItems = 1000;
constexpr std::int32_t kHighestMode = 0777;
constexpr std::size_t kLongestPodName = 253;
constexpr std::size_t kLongestNamespace = 63;
constexpr std::size_t kLongestUid = 128;
constexpr std::size_t kLongestPlainName = 63;
// Generic flags of mount(8) that change nothing about a volume that is read-only anyway.
const std::set<std::string> kHarmlessFlags = {"ro",       "nosuid",      "nodev",    "noexec",
                                              "relatime", "noatime",     "atime",    "nodiratime",
                                              "diratime", "strictatime", "lazytime", "nolazytime",
                                              "async",    "sync",        "dirsync",  "defaults"};

tl::unexpected<Error> Invalid(const std::string& what, const std::string& rule) {
  return Fail(ErrorCode::kInvalidArgument, what + ": " + rule);
}

// A name of the user's may be anything.
std::string Attribute(const std::string& name) {
  const bool plain = name.size() <= kLongestPlainName &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '/';
                     });
  return "volumeAttributes." + (plain ? name : QuoteForMessage(name));
}

Status CheckCapability(const PublishRequest& request) {
  if (!request.has_capability) return Invalid("volume_capability", "is required");
  if (request.block) {
    return Invalid("volume_capability.block", "a volume of files has no raw block device");
  }
  if (!request.mount) return Invalid("volume_capability.access_type", "must be mount");
  if (!request.known_access_mode) return Invalid("volume_capability.access_mode", "is required");
  return {};
}

// Names as the API server has them (DNS-1123 subdomains and labels; a static pod's uid is a hash),
// so that messages and URLs may have them as they are.
Status CheckName(const char* key, const std::string& name, std::size_t longest) {
  const std::string field = std::string("volume_context ") + key;
  if (name.empty())
    return Invalid(field, "is required; the CSIDriver object needs podInfoOnMount: true");
  if (name.size() > longest) {
    return Invalid(field + " " + QuoteForMessage(name),
                   "longer than " + std::to_string(longest) + " bytes");
  }
  const bool good = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
  if (!good || name == "." || name == "..") {
    return Invalid(field + " " + QuoteForMessage(name), "is no name of an object");
  }
  return {};
}

Result<std::optional<std::uint32_t>> ParseGroup(const std::string& text) {
  if (text.empty()) return std::optional<std::uint32_t>();
  std::uint32_t group = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, group);
  // (gid_t)-1 means "leave it as it is" to chown(2).
  if (error != std::errc() || rest != end || group == UINT32_MAX) {
    return Invalid("volume_mount_group " + QuoteForMessage(text), "must be a numeric group id");
  }
  return std::optional<std::uint32_t>(group);
}

// Octal with a leading 0, as in YAML 1.1, otherwise decimal, as in JSON.
Result<std::int32_t> ParseMode(const std::string& text) {
  const bool octal = text.size() > 1 && text[0] == '0';
  std::int32_t mode = -1;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, mode, octal ? 8 : 10);
  if (error != std::errc() || rest != end || mode < 0 || mode > kHighestMode) {
    return Invalid(Attribute("defaultMode") + " " + QuoteForMessage(text),
                   "must be a mode from 0 to 0777, octal with a leading 0 (\"0644\") or decimal "
                   "(\"420\")");
  }
  return mode;
}

Status ApplyItems(const std::string& text, VolumeView& view) {
  if (text.size() > kLongestItems) {
    return Fail(ErrorCode::kResourceExhausted,
                Attribute("items") + ": longer than " + std::to_string(kLongestItems) + " bytes");
  }
  auto items = ParseItems(text);
  if (!items) return Fail(std::move(items.error()), Attribute("items"));
  if (items->items.size() > kMostItems) {
    return Fail(ErrorCode::kResourceExhausted,
                Attribute("items") + ": more than " + std::to_string(kMostItems) + " items");
  }
  view.kind = VolumeView::Kind::kItems;
  view.items = std::move(*items);
  return {};
}

}  // namespace

Status CheckVolumeId(const std::string& id) {
  if (id.empty()) return Invalid("volume_id", "is required");
  if (id.size() > kLongestId) {
    return Invalid("volume_id", "longer than " + std::to_string(kLongestId) + " bytes");
  }
  if (id.find('\0') != std::string::npos || !IsValidUtf8(id)) {
    return Invalid("volume_id " + QuoteForMessage(id), "must be UTF-8 without NUL");
  }
  return {};
}

Status CheckMountFlags(const PublishRequest& request) {
  for (const std::string& flag : request.mount_flags) {
    if (kHarmlessFlags.count(flag) == 0) {
      return Invalid("volume_capability.mount.mount_flags",
                     QuoteForMessage(flag) + " is no flag of this driver");
    }
  }
  return {};
}

Status CheckPath(const std::string& field, const std::string& path) {
  if (path.empty()) return Invalid(field, "is required");
  if (path.front() != '/') return Invalid(field + " " + QuoteForMessage(path), "must be absolute");
  if (path.size() >= kLongestPath || path.find('\0') != std::string::npos) {
    return Invalid(field + " " + QuoteForMessage(path), "is no path");
  }
  const std::string framed = path + "/";
  if (framed.find("/../") != std::string::npos || framed.find("/./") != std::string::npos) {
    return Invalid(field + " " + QuoteForMessage(path), "must not contain '.' or '..'");
  }
  return {};
}

std::map<std::string, std::string> UserAttributes(
    const std::map<std::string, std::string>& context) {
  std::map<std::string, std::string> attributes;
  for (const auto& [name, value] : context) {
    if (name.compare(0, kKubeletPrefix.size(), kKubeletPrefix) != 0) attributes[name] = value;
  }
  return attributes;
}

Status ApplyAttributes(const std::map<std::string, std::string>& attributes, PublishSpec& spec) {
  std::optional<std::int32_t> mode;
  for (const auto& [name, value] : attributes) {
    if (name == "items") {
      if (auto done = ApplyItems(value, spec.view); !done) return done;
    } else if (name == "defaultMode") {
      auto parsed = ParseMode(value);
      if (!parsed) return Fail(std::move(parsed.error()));
      mode = *parsed;
    } else if (name == "layout") {
      if (value != "kubelet" && value != "live") {
        return Invalid(Attribute("layout") + " " + QuoteForMessage(value),
                       "must be kubelet or live");
      }
      spec.layout = value == "live" ? Layout::kLive : Layout::kKubelet;
    } else if (name == "view") {
      if (value != "full") {
        return Invalid(Attribute("view") + " " + QuoteForMessage(value), "must be full");
      }
    } else {
      return Invalid(Attribute(name), "unknown; there are items, defaultMode, layout and view");
    }
  }
  const bool items = attributes.count("items") != 0;
  if (items && attributes.count("view") != 0) {
    return Invalid(Attribute("view"), "excludes items");
  }
  if (mode && !items) return Invalid(Attribute("defaultMode"), "needs items");
  if (mode) spec.view.items.default_mode = *mode;
  return {};
}

Result<PublishSpec> ParsePublishRequest(const PublishRequest& request) {
  if (auto good = CheckVolumeId(request.volume_id); !good) return Fail(std::move(good.error()));
  if (auto good = CheckPath("target_path", request.target_path); !good) {
    return Fail(std::move(good.error()));
  }
  if (auto good = CheckCapability(request); !good) return Fail(std::move(good.error()));
  PublishSpec spec;
  spec.volume_id = request.volume_id;
  spec.target_path = PlainPath(request.target_path);
  auto group = ParseGroup(request.mount_group);
  if (!group) return Fail(std::move(group.error()));
  spec.fs_group = *group;

  const auto from_kubelet = [&](const char* key) {
    const auto found = request.context.find(key);
    return found == request.context.end() ? std::string() : found->second;
  };
  if (from_kubelet(kEphemeral) != "true") {
    return Invalid(
        std::string("volume_context ") + kEphemeral,
        "must be \"true\": this driver has inline volumes only (pod.spec.volumes[].csi), "
        "and its CSIDriver object needs podInfoOnMount: true and "
        "volumeLifecycleModes: [Ephemeral]");
  }
  spec.pod =
      ObjectKey{"Pod", from_kubelet(kPodNamespace), from_kubelet(kPodName), from_kubelet(kPodUid)};
  spec.service_account = from_kubelet(kServiceAccount);
  for (const auto& [key, value, longest] : {std::tuple{kPodName, &spec.pod.name, kLongestPodName},
                                            {kPodNamespace, &spec.pod.ns, kLongestNamespace},
                                            {kPodUid, &spec.pod.uid, kLongestUid}}) {
    if (auto good = CheckName(key, *value, longest); !good) return Fail(std::move(good.error()));
  }
  spec.attributes = UserAttributes(request.context);
  if (auto done = ApplyAttributes(spec.attributes, spec); !done) {
    return Fail(std::move(done.error()));
  }
  return spec;
}

bool Shows(const VolumeView& view, const std::string& kind) {
  if (view.kind != VolumeView::Kind::kItems) return false;
  return std::ranges::any_of(view.items.items, [&](const Item& item) {
    if (!item.field_ref) return false;
    const std::string& path = item.field_ref->field_path;
    return kind == "Node" ? IsNodeField(path) : IsNamespaceField(path);
  });
}

}  // namespace downwardfs
