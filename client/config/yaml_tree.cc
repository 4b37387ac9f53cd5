// SPDX-License-Identifier: Apache-2.0
#include "client/config/yaml_tree.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace downwardfs::client {
namespace {

using YamlKind = YamlNode::Kind;

std::string_view KindName(YamlKind kind) {
  static constexpr std::string_view kNames[] = {"null",     "a boolean", "a number",
                                                "a string", "a list",    "a map"};
  return kNames[static_cast<int>(kind)];
}

// Says what is wrong with the kind; a plain `no` or `123` where text belongs is the common slip.
std::string KindMessage(YamlKind wanted, YamlKind found) {
  std::string message = "must be ";
  message += KindName(wanted);
  message += ", is ";
  message += KindName(found);
  if (wanted == YamlKind::kString && (found == YamlKind::kBool || found == YamlKind::kNumber)) {
    message += ": put it in quotes";
  }
  return message;
}

nlohmann::ordered_json ToJson(const YamlNode& node) {
  using Json = nlohmann::ordered_json;
  switch (node.kind) {
    case YamlKind::kNull:
      return nullptr;
    case YamlKind::kBool:
      return node.text == "true";
    case YamlKind::kNumber: {
      Json number = Json::parse(node.text, nullptr, /*allow_exceptions=*/false);
      return number.is_number() ? number : Json(node.text);
    }
    case YamlKind::kString:
      return node.text;
    case YamlKind::kList: {
      Json list = Json::array();
      for (const YamlNode& item : node.items) list.push_back(ToJson(item));
      return list;
    }
    case YamlKind::kMap: {
      Json map = Json::object();
      for (std::size_t i = 0; i < node.keys.size(); ++i) {
        map[node.keys[i]] = ToJson(node.items[i]);
      }
      return map;
    }
  }
  return nullptr;
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

std::string YamlToJson(const YamlNode& node) {
  return ToJson(node).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string YamlView::PathOf(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

Error YamlView::Invalid(std::string_view key, std::string_view message) const {
  const YamlNode* child = key.empty() ? nullptr : node_->Find(key);
  const std::size_t line = child != nullptr ? child->line : node_->line;
  std::string text = PathOf(key);
  if (text.empty()) text = "the document";
  if (line > 0) text += " (line " + std::to_string(line) + ")";
  text += ": ";
  text += message;
  return Error{ErrorCode::kInvalidArgument, OneLine(text)};
}

Status YamlView::CheckMap() const {
  if (node_->kind == YamlKind::kMap || node_->kind == YamlKind::kNull) return {};
  return Fail(Invalid("", KindMessage(YamlKind::kMap, node_->kind)));
}

bool YamlView::Has(std::string_view key) const {
  const YamlNode* child = node_->Find(key);
  return child != nullptr && child->kind != YamlKind::kNull;
}

Result<const YamlNode*> YamlView::Child(std::string_view key, YamlKind kind) const {
  const YamlNode* child = node_->Find(key);
  if (child == nullptr || child->kind == YamlKind::kNull) return nullptr;
  if (child->kind != kind) return Fail(Invalid(key, KindMessage(kind, child->kind)));
  return child;
}

Result<std::string> YamlView::String(std::string_view key) const {
  const auto child = Child(key, YamlKind::kString);
  if (!child) return Fail(child.error());
  return *child ? (*child)->text : std::string();
}

Result<bool> YamlView::Bool(std::string_view key) const {
  const auto child = Child(key, YamlKind::kBool);
  if (!child) return Fail(child.error());
  return *child != nullptr && (*child)->text == "true";
}

Result<std::vector<std::string>> YamlView::Strings(std::string_view key) const {
  const auto child = Child(key, YamlKind::kList);
  if (!child) return Fail(child.error());
  std::vector<std::string> strings;
  if (*child == nullptr) return strings;
  for (const YamlNode& item : (*child)->items) {
    if (item.kind != YamlKind::kString && item.kind != YamlKind::kNull) {
      const YamlView view(item, PathOf(key) + "[" + std::to_string(strings.size()) + "]");
      return Fail(view.Invalid("", KindMessage(YamlKind::kString, item.kind)));
    }
    strings.push_back(item.text);
  }
  return strings;
}

Result<YamlView> YamlView::Map(std::string_view key) const {
  static const YamlNode kEmpty;
  const auto child = Child(key, YamlKind::kMap);
  if (!child) return Fail(child.error());
  return YamlView(*child ? **child : kEmpty, PathOf(key));
}

Result<std::vector<YamlView>> YamlView::Maps(std::string_view key) const {
  const auto child = Child(key, YamlKind::kList);
  if (!child) return Fail(child.error());
  std::vector<YamlView> maps;
  if (*child == nullptr) return maps;
  for (const YamlNode& item : (*child)->items) {
    maps.emplace_back(item, PathOf(key) + "[" + std::to_string(maps.size()) + "]");
    if (auto checked = maps.back().CheckMap(); !checked) return Fail(std::move(checked.error()));
  }
  return maps;
}

}  // namespace downwardfs::client
