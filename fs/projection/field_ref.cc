// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/field_ref.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/projection/field_walk.h"
#include "fs/projection/go_quote.h"
#include "fs/projection/json_access.h"

namespace downwardfs {
namespace {

constexpr std::string_view kNodePrefix = "node.";
constexpr std::string_view kNamespacePrefix = "namespace.";

std::string Context(std::string_view field_path) {
  return "fieldPath " + QuoteForMessage(field_path, 300);
}

// One of the kubelet's five fields: a string or a map of the object's metadata.
struct MetadataField {
  std::string_view member;
  bool is_map = false;
  std::optional<std::string_view> key;
};

// strings.ToLower as far as it can matter for a label key: U+212A (the Kelvin sign) and U+0130 (I
// with a dot above) are the two runes beyond ASCII whose lower case is ASCII. All others stay
// outside of ASCII, where no qualified name is.
std::string LowerKey(std::string_view key) {
  std::string out;
  while (!key.empty()) {
    if (key.substr(0, 3) == "\xe2\x84\xaa") {
      out += 'k';
      key.remove_prefix(3);
    } else if (key.substr(0, 2) == "\xc4\xb0") {
      out += 'i';
      key.remove_prefix(2);
    } else {
      const char c = key.front();
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      key.remove_prefix(1);
    }
  }
  return out;
}

// Nothing if `path` is not one of the five.
Result<std::optional<MetadataField>> ParseMetadataField(std::string_view path) {
  MetadataField field;
  if (const auto split = SplitSubscript(path)) {
    if (split->path == "metadata.labels") {
      field.member = "labels";
    } else if (split->path == "metadata.annotations") {
      field.member = "annotations";
    } else {
      return std::nullopt;
    }
    // The check of an annotation's key ignores case; the lookup does not.
    const auto errors = field.member == "labels" ? QualifiedNameErrors(split->subscript)
                                                 : QualifiedNameErrors(LowerKey(split->subscript));
    if (!errors.empty()) {
      std::string why = "invalid key " + QuoteForMessage(split->subscript);
      const char* separator = ": ";
      for (const std::string& error : errors) why += std::exchange(separator, "; ") + error;
      return Invalid(std::move(why));
    }
    field.is_map = true;
    field.key = split->subscript;
    return field;
  }
  for (const std::string_view known : {"metadata.labels", "metadata.annotations", "metadata.name",
                                       "metadata.namespace", "metadata.uid"}) {
    if (path != known) continue;
    field.member = known.substr(known.find('.') + 1);
    field.is_map = field.member == "labels" || field.member == "annotations";
    return field;
  }
  return std::nullopt;
}

// An element of a string map, or all of it as FormatMap has it.
Result<std::string> MapValue(const Json& map, const MetadataField& field) {
  const std::string name = "metadata." + std::string(field.member);
  if (!map.is_object())
    return Invalid(name + " must be an object, not " + std::string(JsonTypeName(map)));
  for (const auto& [key, value] : map.items()) {
    if (auto text = StringValue(value, name + "[" + QuoteForMessage(key) + "]"); !text) {
      return Fail(std::move(text.error()));
    }
  }
  if (!field.key) return FormatMap(map);
  const auto found = map.find(*field.key);
  return found == map.end() || found->is_null() ? std::string() : found->get<std::string>();
}

Result<std::string> MetadataValue(const Json& object, const MetadataField& field) {
  auto metadata = ObjectMember(&object, "metadata", "the object");
  if (!metadata) return Fail(std::move(metadata.error()));
  auto value = ObjectMember(*metadata, field.member, "metadata");
  if (!value) return Fail(std::move(value.error()));
  if (*value == nullptr) return std::string();
  if (field.is_map) return MapValue(**value, field);
  auto text = StringValue(**value, "metadata." + std::string(field.member));
  if (!text) return Fail(std::move(text.error()));
  return std::string(*text);
}

// A field of the pod's node: one of its metadata, its providerID, or an amount of a resource.
struct NodeField {
  std::optional<MetadataField> metadata;
  std::string_view list;      // "capacity" or "allocatable"
  std::string_view resource;  // of the list
};

Result<NodeField> ParseNodeField(std::string_view path) {
  path.remove_prefix(kNodePrefix.size());
  NodeField field;
  if (path == "spec.providerID") return field;
  if (const auto split = SplitSubscript(path)) {
    for (const std::string_view list : {"status.capacity", "status.allocatable"}) {
      if (split->path != list) continue;
      field.list = list.substr(list.find('.') + 1);
      field.resource = split->subscript;
      if (!field.resource.empty()) return field;
      return Invalid("the name of the resource must not be empty");
    }
  }
  auto metadata = ParseMetadataField(path);
  if (!metadata) return Fail(std::move(metadata.error()));
  if (*metadata && (*metadata)->member != "namespace") {
    field.metadata = **metadata;
    return field;
  }
  return Invalid(
      "of the node, only node.metadata.name, uid, labels and annotations, "
      "node.status.capacity['RESOURCE'], node.status.allocatable['RESOURCE'] and "
      "node.spec.providerID can be shown");
}

// Of the pod's Namespace: its metadata alone.
Result<MetadataField> ParseNamespaceField(std::string_view path) {
  path.remove_prefix(kNamespacePrefix.size());
  auto metadata = ParseMetadataField(path);
  if (!metadata) return Fail(std::move(metadata.error()));
  if (*metadata && (*metadata)->member != "namespace") return **metadata;
  return Invalid(
      "of the namespace, only namespace.metadata.name, uid, labels and annotations can be shown");
}

Result<std::string> NodeValue(const Json& node, const NodeField& field) {
  if (field.metadata) return MetadataValue(node, *field.metadata);
  if (field.list.empty()) return ScalarMember(FindMember(&node, "spec"), "providerID");
  return ScalarMember(FindMember(FindMember(&node, "status"), field.list), field.resource);
}

// status.podIPs and status.hostIPs: a list of {"ip": ...}, joined as in the kubelet's env; older
// objects have only the one address.
struct AddressList {
  std::string_view path;
  std::string_view single;
};
constexpr AddressList kAddressLists[] = {{"status.podIPs", "status.podIP"},
                                         {"status.hostIPs", "status.hostIP"}};

const AddressList* FindAddressList(std::string_view path) {
  for (const AddressList& list : kAddressLists) {
    if (path == list.path) return &list;
  }
  return nullptr;
}

Result<std::string> GeneralValue(std::string_view path, const Json& pod, UnknownFields unknown) {
  auto target = WalkFieldPath(path, &pod, unknown);
  if (!target) return Fail(std::move(target.error()));
  if (auto has_text = CheckHasText(*target); !has_text) return Fail(std::move(has_text.error()));
  if (target->value == nullptr) return std::string();
  if (target->value->is_array()) return DumpJson(*target->value);
  return ScalarText(*target->value).value_or("");
}

Result<std::string> AddressesValue(const AddressList& list, const Json& pod) {
  auto target = WalkFieldPath(list.path, &pod);
  if (!target) return Fail(std::move(target.error()));
  const Json* const addresses = target->value;
  if (addresses == nullptr || addresses->empty())
    return GeneralValue(list.single, pod, UnknownFields::kRefused);
  if (!addresses->is_array()) {
    return Invalid("must be a list, not " + std::string(JsonTypeName(*addresses)));
  }
  std::string joined;
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const std::string name = std::string(list.path) + "[" + std::to_string(i) + "]";
    auto ip = ObjectMember(&(*addresses)[i], "ip", name);
    if (!ip) return Fail(std::move(ip.error()));
    if (i > 0) joined += ',';
    if (*ip == nullptr) continue;
    auto text = StringValue(**ip, name + ".ip");
    if (!text) return Fail(std::move(text.error()));
    joined += *text;
  }
  return joined;
}

tl::unexpected<Error> NotKnown(const char* object) {
  return Fail(ErrorCode::kFailedPrecondition, Concat({"the pod's ", object, " is not known here"}));
}

Result<std::string> Value(std::string_view path, const FieldObjects& of, UnknownFields unknown) {
  if (path == "spec.host") path = "spec.nodeName";
  if (IsNodeField(path)) {
    auto field = ParseNodeField(path);
    if (!field) return Fail(std::move(field.error()));
    if (of.node == nullptr) return NotKnown("node");
    return NodeValue(*of.node, *field);
  }
  if (IsNamespaceField(path)) {
    auto field = ParseNamespaceField(path);
    if (!field) return Fail(std::move(field.error()));
    if (of.ns == nullptr) return NotKnown("namespace");
    return MetadataValue(*of.ns, *field);
  }
  auto metadata = ParseMetadataField(path);
  if (!metadata) return Fail(std::move(metadata.error()));
  if (*metadata) return MetadataValue(of.pod, **metadata);
  if (const AddressList* list = FindAddressList(path)) return AddressesValue(*list, of.pod);
  return GeneralValue(path, of.pod, unknown);
}

Status Validate(std::string_view path, bool kubelet_only, const Json* pod, UnknownFields unknown) {
  auto metadata = ParseMetadataField(path);
  if (!metadata) return Fail(std::move(metadata.error()));
  if (*metadata) return {};
  if (kubelet_only) {
    return Invalid(
        "a volume of the kubelet has only metadata.labels, metadata.annotations (with or without "
        "['key']), metadata.name, metadata.namespace and metadata.uid");
  }
  if (path == "spec.host" || FindAddressList(path) != nullptr) return {};
  if (IsNodeField(path)) {
    auto field = ParseNodeField(path);
    if (!field) return Fail(std::move(field.error()));
    return {};
  }
  if (IsNamespaceField(path)) {
    auto field = ParseNamespaceField(path);
    if (!field) return Fail(std::move(field.error()));
    return {};
  }
  auto target = WalkFieldPath(path, pod, unknown);
  if (!target) return Fail(std::move(target.error()));
  return CheckHasText(*target);
}

}  // namespace

bool IsNodeField(std::string_view field_path) {
  return field_path.starts_with(kNodePrefix);
}

bool IsNamespaceField(std::string_view field_path) {
  return field_path.starts_with(kNamespacePrefix);
}

std::optional<SubscriptedPath> SplitSubscript(std::string_view field_path) {
  constexpr std::string_view kOpen = "['";
  constexpr std::string_view kClose = "']";
  if (field_path.size() < kClose.size() ||
      field_path.substr(field_path.size() - kClose.size()) != kClose) {
    return std::nullopt;
  }
  // The closing is cut off first: "a[']" has no subscript.
  field_path.remove_suffix(kClose.size());
  const auto open = field_path.find(kOpen);
  if (open == std::string_view::npos || open == 0) return std::nullopt;
  return SubscriptedPath{field_path.substr(0, open), field_path.substr(open + kOpen.size())};
}

std::string FormatMap(const Json& string_map) {
  std::string out;
  if (!string_map.is_object()) return out;
  // nlohmann's objects are std::map<std::string, ...>: already sorted bytewise.
  for (const auto& [key, value] : string_map.items()) {
    if (!out.empty()) out += '\n';
    out += key;
    out += '=';
    out += GoQuote(ScalarText(value).value_or(""));
  }
  return out;
}

Status ValidateFieldPath(std::string_view field_path, bool kubelet_only, const Json* pod,
                         UnknownFields unknown) {
  auto done = Validate(field_path, kubelet_only, pod, unknown);
  if (!done) return Fail(std::move(done.error()), Context(field_path));
  return {};
}

Result<std::string> FieldValue(std::string_view field_path, const FieldObjects& of,
                               UnknownFields unknown) {
  auto value = Value(field_path, of, unknown);
  if (!value) return Fail(std::move(value.error()), Context(field_path));
  return value;
}

}  // namespace downwardfs
