// SPDX-License-Identifier: Apache-2.0
#include "sources/object_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxAnnotationBytes = std::size_t{256} * 1024;

tl::unexpected<Error> Wrong(const std::string& path, const std::string& message) {
  return Fail(ErrorCode::kInvalidArgument, path + ": " + message);
}

tl::unexpected<Error> WrongType(const std::string& path, std::string_view want, const Json& found,
                                std::string_view hint = "") {
  return Wrong(
      path, "must be " + std::string(want) + ", found " + DescribeJson(found) + std::string(hint));
}

bool IsNumber(const Json& value) {
  return value.is_number() || value.is_binary();
}

Status CheckString(const Json& value, const std::string& path) {
  if (value.is_string()) return {};
  const bool quoting_helps = IsNumber(value) || value.is_boolean();
  return WrongType(path, "a string", value, quoting_helps ? " (put it in quotes)" : "");
}

Status CheckOptionalStrings(const Json& object, const std::string& path,
                            std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const Json& value = MemberOrNull(object, key);
    if (value.is_null()) continue;
    if (auto checked = CheckString(value, MemberPath(path, key)); !checked) return checked;
  }
  return {};
}

Status CheckStringMap(const Json& map, const std::string& path) {
  if (map.is_null()) return {};
  if (!map.is_object()) return WrongType(path, "a mapping of strings", map);
  for (const auto& [key, value] : map.items()) {
    if (auto checked = CheckString(value, MemberPath(path, key)); !checked) return checked;
  }
  return {};
}

Status CheckRequiredName(const Json& object, const std::string& path) {
  const Json& name = MemberOrNull(object, "name");
  const std::string name_path = MemberPath(path, "name");
  if (name.is_null()) return Wrong(name_path, "missing");
  if (auto checked = CheckString(name, name_path); !checked) return checked;
  if (name.get_ref<const std::string&>().empty()) return Wrong(name_path, "must not be empty");
  return {};
}

// A list of objects that each have a name, with `check` for the rest of each.
template <class Check>
Status CheckNamedList(const Json& parent, const std::string& path, const char* key, Check check) {
  const Json& list = MemberOrNull(parent, key);
  const std::string list_path = MemberPath(path, key);
  if (list.is_null()) return {};
  if (!list.is_array()) return WrongType(list_path, "a list", list);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string item_path = list_path + "[" + std::to_string(i) + "]";
    if (!list[i].is_object()) return WrongType(item_path, "a mapping", list[i]);
    if (auto checked = CheckRequiredName(list[i], item_path); !checked) return checked;
    if (auto checked = check(list[i], item_path); !checked) return checked;
  }
  return {};
}

Status CheckContainer(const Json& container, const std::string& path) {
  const auto check_env = [](const Json& variable, const std::string& variable_path) {
    return CheckOptionalStrings(variable, variable_path, {"value"});
  };
  if (auto checked = CheckNamedList(container, path, "env", check_env); !checked) return checked;
  const Json& resources = MemberOrNull(container, "resources");
  if (resources.is_null()) return {};
  const std::string resources_path = MemberPath(path, "resources");
  if (!resources.is_object()) return WrongType(resources_path, "a mapping", resources);
  for (const char* key : {"requests", "limits"}) {
    auto checked = CheckQuantities(MemberOrNull(resources, key), MemberPath(resources_path, key));
    if (!checked) return checked;
  }
  return {};
}

// RFC 1123: letters and digits, '-' within.
bool IsDnsLabel(std::string_view label) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !label.empty() && alphanumeric(label.front()) && alphanumeric(label.back()) &&
         std::all_of(label.begin(), label.end(),
                     [&](char c) { return alphanumeric(c) || c == '-'; });
}

// ValidateAnnotations of apimachinery's pkg/api/validation/objectmeta.go.
Status CheckAnnotationsSize(const Json& annotations, const std::string& path) {
  std::size_t total = 0;
  for (const auto& [key, value] : annotations.items()) {
    if (value.is_string()) total += key.size() + value.get_ref<const std::string&>().size();
  }
  if (total <= kMaxAnnotationBytes) return {};
  return Wrong(path, std::to_string(total) + " bytes in all; an API object may have at most " +
                         std::to_string(kMaxAnnotationBytes));
}

}  // namespace

std::string DescribeJson(const Json& value) {
  if (const auto number = NumberText(value)) return "the number " + *number;
  if (value.is_string()) return "the text " + QuoteForMessage(value.get_ref<const std::string&>());
  if (value.is_boolean()) return value.get<bool>() ? "the boolean true" : "the boolean false";
  if (value.is_array()) return "a list";
  return value.is_object() ? "a mapping" : "nothing";
}

std::string MemberPath(std::string_view path, std::string_view key) {
  const bool simple = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  std::string out(path);
  if (!simple) {
    const std::string quoted = QuoteForMessage(key);
    return out + "['" + quoted.substr(1, quoted.size() - 2) + "']";
  }
  if (!out.empty()) out += '.';
  return out.append(key);
}

const Json& MemberOrNull(const Json& parent, std::string_view key) {
  static const Json null;
  if (!parent.is_object()) return null;
  const auto member = parent.find(key);
  return member == parent.end() ? null : *member;
}

void DropNulls(Json& value) {
  if (value.is_array()) {
    for (Json& element : value) DropNulls(element);
  }
  if (!value.is_object()) return;
  for (auto member = value.begin(); member != value.end();) {
    if (member->is_null()) {
      member = value.erase(member);
      continue;
    }
    if (member->is_object() && (member.key() == "labels" || member.key() == "annotations")) {
      for (Json& text : *member) {
        if (text.is_null()) text = "";
      }
    }
    DropNulls(*member);
    ++member;
  }
}

Status CheckMetadata(Json& metadata, const std::string& path) {
  if (metadata.is_null()) metadata = Json::object();
  if (!metadata.is_object()) return WrongType(path, "a mapping", metadata);
  metadata.erase("managedFields");
  for (const char* key : {"labels", "annotations"}) {
    auto checked = CheckStringMap(MemberOrNull(metadata, key), MemberPath(path, key));
    if (!checked) return checked;
  }
  const std::string annotations_path = MemberPath(path, "annotations");
  if (auto checked = CheckAnnotationsSize(MemberOrNull(metadata, "annotations"), annotations_path);
      !checked) {
    return checked;
  }
  return CheckOptionalStrings(metadata, path,
                              {"name", "namespace", "uid", "resourceVersion", "generateName"});
}

Status CheckNamespace(const Json& metadata, const std::string& path) {
  const Json& ns = MemberOrNull(metadata, "namespace");
  if (!ns.is_string()) return {};
  const auto& text = ns.get_ref<const std::string&>();
  if (text.empty()) return {};
  if (text.size() <= 63 && IsDnsLabel(text)) return {};
  return Wrong(
      MemberPath(path, "namespace"),
      QuoteForMessage(text) +
          " is not a DNS label (lower case letters, digits and '-'; begins and ends with a "
          "letter or digit; at most 63 bytes)");
}

Status CheckQuantities(const Json& quantities, const std::string& path) {
  if (quantities.is_null()) return {};
  if (!quantities.is_object()) return WrongType(path, "a mapping of quantities", quantities);
  for (const auto& [key, value] : quantities.items()) {
    if (value.is_string() || IsNumber(value)) continue;
    return WrongType(MemberPath(path, key), "a quantity", value);
  }
  return {};
}

Status CheckPodSpec(const Json& spec, const std::string& path) {
  if (spec.is_null()) return Wrong(path, "missing");
  if (!spec.is_object()) return WrongType(path, "a mapping", spec);
  for (const char* key : {"containers", "initContainers", "ephemeralContainers"}) {
    if (auto checked = CheckNamedList(spec, path, key, CheckContainer); !checked) return checked;
  }
  const auto no_more = [](const Json&, const std::string&) { return Status(); };
  if (auto checked = CheckNamedList(spec, path, "volumes", no_more); !checked) return checked;
  return CheckOptionalStrings(spec, path, {"nodeName", "serviceAccountName"});
}

}  // namespace downwardfs
