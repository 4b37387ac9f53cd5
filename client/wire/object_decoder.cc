// SPDX-License-Identifier: Apache-2.0
#include "client/wire/object_decoder.h"

#include <algorithm>
#include <cctype>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "json/json_dom.h"

namespace downwardfs::client {
namespace {

namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

static_assert(ObjectDecoder::kPadding == json_dom::kPadding);

bool IsTypeName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '/' || c == '-';
  });
}

// The place to cut so that the member [begin, end) goes together with one comma.
void WidenToComma(std::string_view json, std::size_t* begin, std::size_t* end) {
  std::size_t before = *begin;
  while (before > 0 && std::isspace(static_cast<unsigned char>(json[before - 1])) != 0) --before;
  if (before > 0 && json[before - 1] == ',') {
    *begin = before - 1;
    return;
  }
  std::size_t after = *end;
  while (after < json.size() && std::isspace(static_cast<unsigned char>(json[after])) != 0) ++after;
  if (after < json.size() && json[after] == ',') *end = after + 1;
}

Status CheckLength(const char* field, std::string_view value, std::size_t longest) {
  if (value.size() <= longest) return {};
  return Fail(ErrorCode::kInvalidArgument, std::string(field) + " has " +
                                               std::to_string(value.size()) + " bytes, more than " +
                                               std::to_string(longest));
}

// The fields that the store keeps with each object, and those that are sent to the server again.
Status CheckLengths(const ObjectView& view) {
  for (const auto& [field, value] : {std::pair("kind", view.kind),
                                     {"apiVersion", view.api_version},
                                     {"metadata.name", view.name},
                                     {"metadata.namespace", view.ns},
                                     {"metadata.uid", view.uid},
                                     {"metadata.resourceVersion", view.resource_version}}) {
    if (auto good = CheckLength(field, value, ObjectDecoder::kLongestField); !good) return good;
  }
  return {};
}

}  // namespace

struct ObjectDecoder::Parsers {
  json_dom::Reader tree;
  ondemand::parser cursor;
  std::string kept;  // what ObjectView::json points to

  Result<dom::object> Parse(std::string_view* json) { return tree.Read(json, /*padded=*/true); }

  // The range of metadata.managedFields within `json`, empty if it has none.
  std::pair<std::size_t, std::size_t> FindManagedFields(std::string_view json) {
    ondemand::document document;
    ondemand::object root;
    ondemand::object metadata;
    const simdjson::padded_string_view padded(json.data(), json.size(), json.size() + kPadding);
    if (cursor.iterate(padded).get(document) != simdjson::SUCCESS ||
        document.get_object().get(root) != simdjson::SUCCESS ||
        root.find_field_unordered("metadata").get_object().get(metadata) != simdjson::SUCCESS) {
      return {0, 0};
    }
    for (auto field : metadata) {
      ondemand::raw_json_string key;
      if (field.key().get(key) != simdjson::SUCCESS) break;
      if (!key.unsafe_is_equal("managedFields")) continue;
      ondemand::array entries;
      std::string_view text;
      if (field.value().get_array().get(entries) != simdjson::SUCCESS ||
          entries.raw_json().get(text) != simdjson::SUCCESS) {
        break;
      }
      auto begin = static_cast<std::size_t>(key.raw() - json.data()) - 1;
      auto end = static_cast<std::size_t>(text.data() - json.data()) + text.size();
      WidenToComma(json, &begin, &end);
      return {begin, end};
    }
    return {0, 0};
  }

  Status Keep(std::string_view original, std::string_view checked, bool has_managed_fields,
              ObjectView* view, dom::object root, const TypeHint& hint) {
    std::size_t cut_begin = 0;
    std::size_t cut_end = 0;
    if (has_managed_fields) std::tie(cut_begin, cut_end) = FindManagedFields(checked);
    kept.clear();
    kept.reserve(original.size() + 64);
    kept += '{';
    // Its own words stay: an error within a watch of pods is no pod.
    for (const auto& [key, said, hinted] :
         {std::tuple("kind", &view->kind, &hint.kind),
          {"apiVersion", &view->api_version, &hint.api_version}}) {
      if (!said->empty()) continue;
      if (!IsTypeName(*hinted)) {
        return Fail(ErrorCode::kInvalidArgument, "neither it nor its list says its kind");
      }
      if (kept.size() > 1) kept += ',';
      kept += '"';
      kept.append(key).append(R"(":")").append(*hinted) += '"';
      *said = *hinted;
    }
    if (kept.size() > 1 && root.size() > 0) kept += ',';
    const std::size_t after_bracket = original.find('{') + 1;
    if (cut_end > cut_begin) {
      kept += original.substr(after_bracket, cut_begin - after_bracket);
      kept += original.substr(cut_end);
    } else {
      kept += original.substr(after_bracket);
    }
    view->json = kept;
    return {};
  }
};

ObjectDecoder::ObjectDecoder() : parsers_(std::make_unique<Parsers>()) {}
ObjectDecoder::~ObjectDecoder() = default;

Result<ObjectView> ObjectDecoder::Decode(std::string_view json, const TypeHint& hint) {
  std::string_view checked = json;
  auto root = parsers_->Parse(&checked);
  if (!root) return Fail(std::move(root.error()));
  ObjectView view;
  view.kind = json_dom::Text(*root, "kind");
  view.api_version = json_dom::Text(*root, "apiVersion");
  bool has_managed_fields = false;
  dom::object metadata;
  if ((*root)["metadata"].get(metadata) == simdjson::SUCCESS) {
    for (const dom::key_value_pair field : metadata) {
      const auto read = [&field](std::string_view* into) {
        if (field.value.get(*into) != simdjson::SUCCESS) *into = {};
      };
      if (field.key == "name") read(&view.name);
      if (field.key == "namespace") read(&view.ns);
      if (field.key == "uid") read(&view.uid);
      if (field.key == "resourceVersion") read(&view.resource_version);
      if (field.key == "managedFields") has_managed_fields = true;
      dom::object annotations;
      if (field.key == "annotations" && field.value.get(annotations) == simdjson::SUCCESS) {
        view.initial_events_end =
            json_dom::Text(annotations, "k8s.io/initial-events-end") == "true";
      }
    }
  }
  if (auto good = CheckLengths(view); !good) return Fail(std::move(good.error()));
  if (auto done = parsers_->Keep(json, checked, has_managed_fields, &view, *root, hint); !done) {
    return Fail(std::move(done.error()));
  }
  return view;
}

Result<ObjectDecoder::Event> ObjectDecoder::DecodeEvent(std::string_view json,
                                                        const TypeHint& hint) {
  std::string_view checked = json;
  auto root = parsers_->Parse(&checked);
  if (!root) return Fail(std::move(root.error()));
  const std::string_view type = json_dom::Text(*root, "type");
  Event event;
  for (const std::string_view known : {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"}) {
    if (type == known) event.type = known;
  }
  if (event.type.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "event of unknown type " + QuoteForMessage(type));
  }
  ondemand::document document;
  ondemand::object fields;
  ondemand::object object;
  std::string_view text;
  const simdjson::padded_string_view padded(checked.data(), checked.size(),
                                            checked.size() + kPadding);
  if (parsers_->cursor.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(fields) != simdjson::SUCCESS ||
      fields.find_field_unordered("object").get_object().get(object) != simdjson::SUCCESS ||
      object.raw_json().get(text) != simdjson::SUCCESS) {
    return Fail(ErrorCode::kInvalidArgument, "event without an object");
  }
  // simdjson's range goes on to the next token.
  text.remove_suffix(text.size() - text.rfind('}') - 1);
  const auto offset = static_cast<std::size_t>(text.data() - checked.data());
  auto view = Decode(json.substr(offset, text.size()), hint);
  if (!view) return Fail(std::move(view.error()));
  event.object = *view;
  return event;
}

Result<ObjectDecoder::Envelope> ObjectDecoder::DecodeEnvelope(std::string_view json) {
  auto root = parsers_->Parse(&json);
  if (!root) return Fail(std::move(root.error()));
  Envelope envelope;
  envelope.kind = json_dom::Text(*root, "kind");
  envelope.api_version = json_dom::Text(*root, "apiVersion");
  dom::object metadata;
  if ((*root)["metadata"].get(metadata) == simdjson::SUCCESS) {
    envelope.resource_version = json_dom::Text(metadata, "resourceVersion");
    envelope.continue_token = json_dom::Text(metadata, "continue");
  }
  for (auto good :
       {CheckLength("metadata.resourceVersion", envelope.resource_version, kLongestField),
        CheckLength("metadata.continue", envelope.continue_token, kLongestToken)}) {
    if (!good) return Fail(std::move(good.error()));
  }
  return envelope;
}

}  // namespace downwardfs::client
