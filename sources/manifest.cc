// SPDX-License-Identifier: Apache-2.0
#include "sources/manifest.h"

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "base/text.h"
#include "sources/object_check.h"
#include "sources/pod_defaults.h"
#include "sources/pod_template.h"
#include "sources/yaml.h"
#include "yaml/yaml_encoding.h"

namespace downwardfs {
namespace {

// One object out of a document, and where it stood.
struct Found {
  Json object;
  std::string document;  // "document 2: ", or nothing where the file has only one
  std::string path;      // "items[3]"
};

tl::unexpected<Error> FailAt(const Found& found, const std::string& path,
                             const std::string& message) {
  return Fail(ErrorCode::kInvalidArgument,
              found.document + path + (path.empty() ? "" : ": ") + message);
}

Result<std::string> StringMember(const Found& found, const char* key) {
  const Json& value = MemberOrNull(found.object, key);
  if (value.is_string()) return value.get<std::string>();
  return FailAt(found, MemberPath(found.path, key),
                value.is_null() ? "missing: an API object has apiVersion and kind"
                                : "must be a string, found " + DescribeJson(value));
}

// Puts `found`, or what stands in it if it is a list, at the end of `out`. Items without kind and
// apiVersion get those of their list: a PodList holds Pods of its own version.
Status Flatten(Found found, std::vector<Found>& out) {
  if (!found.object.is_object()) {
    return FailAt(found, found.path,
                  "must be an API object (a mapping with apiVersion, kind and metadata), found " +
                      DescribeJson(found.object));
  }
  auto kind = StringMember(found, "kind");
  if (!kind) return Fail(std::move(kind.error()));
  auto api_version = StringMember(found, "apiVersion");
  if (!api_version) return Fail(std::move(api_version.error()));
  constexpr std::string_view kList = "List";
  const bool is_list = kind->size() >= kList.size() &&
                       kind->compare(kind->size() - kList.size(), kList.size(), kList) == 0;
  if (!is_list) {
    out.push_back(std::move(found));
    return {};
  }
  const std::string items_path = MemberPath(found.path, "items");
  Json items = MemberOrNull(found.object, "items");
  if (items.is_null()) return {};
  if (!items.is_array()) {
    return FailAt(found, items_path, "must be a list, found " + DescribeJson(items));
  }
  const std::string item_kind = kind->substr(0, kind->size() - kList.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    Json& item = items[i];
    if (item.is_object() && !item_kind.empty()) {
      item.emplace("kind", item_kind);
      item.emplace("apiVersion", *api_version);
    }
    Found inner{std::move(item), found.document, items_path + "[" + std::to_string(i) + "]"};
    if (auto flattened = Flatten(std::move(inner), out); !flattened) return flattened;
  }
  return {};
}

Result<std::vector<Found>> FlattenAll(std::vector<Json> documents) {
  std::vector<Found> out;
  if (documents.empty()) return Fail(ErrorCode::kInvalidArgument, "the file is empty");
  for (std::size_t i = 0; i < documents.size(); ++i) {
    DropNulls(documents[i]);
    std::string where;
    if (documents.size() > 1) where = "document " + std::to_string(i + 1) + ": ";
    if (auto flattened = Flatten({std::move(documents[i]), std::move(where), ""}, out);
        !flattened) {
      return Fail(std::move(flattened.error()));
    }
  }
  return out;
}

Status RequireV1(const Found& found) {
  const Json& api_version = found.object.at("apiVersion");
  if (api_version == "v1") return {};
  return FailAt(found, MemberPath(found.path, "apiVersion"),
                "must be v1 for a " + found.object.at("kind").get<std::string>() + ", found " +
                    DescribeJson(api_version));
}

Status CheckNamedObject(Found& found) {
  if (auto checked = RequireV1(found); !checked) return checked;
  Json& metadata = found.object["metadata"];
  if (metadata.is_null()) metadata = Json::object();
  const std::string path = MemberPath(found.path, "metadata");
  auto checked = CheckMetadata(metadata, path);
  if (checked) checked = CheckNamespace(metadata, path);
  if (!checked) return FailAt(found, "", checked.error().message);
  return {};
}

Result<Json> PodFrom(Found found) {
  if (found.object.at("kind") != "Pod") {
    auto pod = PodFromTemplate(std::move(found.object), found.path);
    if (!pod) return FailAt(found, "", pod.error().message);
    return pod;
  }
  if (auto checked = CheckNamedObject(found); !checked) return Fail(std::move(checked.error()));
  Json& spec = found.object["spec"];
  if (spec.is_null()) spec = Json::object();
  if (auto checked = CheckPodSpec(spec, MemberPath(found.path, "spec")); !checked) {
    return FailAt(found, "", checked.error().message);
  }
  const Json& status = MemberOrNull(found.object, "status");
  if (!status.is_null() && !status.is_object()) {
    return FailAt(found, MemberPath(found.path, "status"),
                  "must be a mapping, found " + DescribeJson(status));
  }
  return std::move(found.object);
}

Result<Json> NodeFrom(Found found) {
  if (auto checked = CheckNamedObject(found); !checked) return Fail(std::move(checked.error()));
  found.object["metadata"].erase("namespace");
  const Json& status = MemberOrNull(found.object, "status");
  const std::string path = MemberPath(found.path, "status");
  if (!status.is_null() && !status.is_object()) {
    return FailAt(found, path, "must be a mapping, found " + DescribeJson(status));
  }
  for (const char* key : {"allocatable", "capacity"}) {
    auto checked = CheckQuantities(MemberOrNull(status, key), MemberPath(path, key));
    if (!checked) return FailAt(found, "", checked.error().message);
  }
  return std::move(found.object);
}

bool IsPodLike(const std::string& api_version, const std::string& kind) {
  return kind == "Pod" || HasPodTemplate(api_version, kind);
}

bool IsNode(const std::string&, const std::string& kind) {
  return kind == "Node";
}

// The objects that `wanted` accepts, each through `make`; an error naming the kinds if none is.
Result<std::vector<Json>> Collect(
    std::vector<Json> documents, std::string_view what,
    const std::function<bool(const std::string&, const std::string&)>& wanted,
    const std::function<Result<Json>(Found)>& make) {
  auto all = FlattenAll(std::move(documents));
  if (!all) return Fail(std::move(all.error()));
  std::vector<Json> out;
  std::set<std::string> other_kinds;
  std::map<std::string, std::string> places;  // by namespace/name
  for (Found& found : *all) {
    const auto& kind = found.object.at("kind").get_ref<const std::string&>();
    if (!wanted(found.object.at("apiVersion"), kind)) {
      other_kinds.insert(kind);
      continue;
    }
    // "document 2", "items[3]", or "document 2: items[3]".
    std::string place = found.document + found.path;
    if (found.path.empty() && !place.empty()) place.resize(place.size() - 2);
    auto object = make(std::move(found));
    if (!object) return Fail(std::move(object.error()));
    const Json& metadata = object->at("metadata");
    const std::string name = metadata.value("namespace", "") + "/" + metadata.value("name", "");
    if (const auto [first, is_new] = places.emplace(name, place); !is_new) {
      return Fail(ErrorCode::kInvalidArgument, Concat({place, ": a second ", what, " named ", name,
                                                       " (the first: ", first->second, ")"}));
    }
    out.push_back(std::move(*object));
  }
  if (!out.empty()) return out;
  std::string kinds;
  for (const std::string& kind : other_kinds) kinds += (kinds.empty() ? "" : ", ") + kind;
  return Fail(ErrorCode::kInvalidArgument,
              "no " + std::string(what) + " in it, " +
                  (kinds.empty() ? "only an empty list" : "found only " + OneLine(kinds)));
}

// How long the first JSON value of `text`, an object or a list, is by its brackets: all of `text`
// if they do not match.
std::size_t LengthOfJson(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
      return i + 1;
    }
  }
  return text.size();
}

// One JSON value, or several behind each other, as kubectl's stream decoder takes them.
Result<std::vector<Json>> ParseJsonValues(std::string_view text) {
  std::vector<Json> values;
  auto whole = ParseJson(text);
  if (whole) {
    values.push_back(std::move(*whole));
    return values;
  }
  while (!text.empty()) {
    const std::size_t length = LengthOfJson(text);
    auto value = ParseJson(text.substr(0, length));
    if (!value) return Fail(std::move(whole.error()));
    values.push_back(std::move(*value));
    text.remove_prefix(length);
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  return values;
}

}  // namespace

Result<std::vector<Json>> ParseManifest(std::string_view bytes, const YamlLimits& limits) {
  const auto utf8 = YamlTextInUtf8(bytes);
  if (!utf8) return Fail(utf8.error());
  if (*utf8) bytes = **utf8;
  const auto first = bytes.find_first_not_of(" \t\r\n");
  std::vector<Json> documents;
  if (first == std::string_view::npos) return documents;
  if (bytes[first] == '{' || bytes[first] == '[') {
    auto json = ParseJsonValues(bytes);
    if (json) {
      documents = std::move(*json);
    } else {
      auto yaml = ParseYamlDocuments(bytes, limits);
      if (!yaml) return Fail(std::move(json.error()));
      documents = std::move(*yaml);
    }
  } else {
    auto yaml = ParseYamlDocuments(bytes, limits);
    if (!yaml) return yaml;
    documents = std::move(*yaml);
  }
  documents.erase(std::remove_if(documents.begin(), documents.end(),
                                 [](const Json& document) { return document.is_null(); }),
                  documents.end());
  return documents;
}

Result<std::vector<Json>> PodsFromManifest(std::vector<Json> documents, PodDefaults defaults) {
  const auto make = [defaults](Found found) {
    auto pod = PodFrom(std::move(found));
    if (!pod) return pod;
    Json& metadata = pod->at("metadata");
    if (metadata.value("namespace", "").empty()) metadata["namespace"] = "default";
    if (defaults == PodDefaults::kApiServer) SetPodDefaults(*pod);
    return pod;
  };
  return Collect(std::move(documents), "pod", IsPodLike, make);
}

Result<std::vector<Json>> NodesFromManifest(std::vector<Json> documents) {
  return Collect(std::move(documents), "node", IsNode, NodeFrom);
}

}  // namespace downwardfs
