// SPDX-License-Identifier: Apache-2.0
#include "json/json_dom.h"

#include "base/text.h"

namespace downwardfs::json_dom {

Result<Object> Reader::Read(std::string_view* json, bool padded) {
  Element root;
  auto code = parser_.parse(json->data(), json->size(), !padded).get(root);
  if (code == simdjson::UTF8_ERROR) {
    const std::size_t size = json->size();
    repaired_.assign(*json);
    ReplaceInvalidUtf8(repaired_, '?');
    repaired_.append(kPadding, ' ');
    *json = std::string_view(repaired_).substr(0, size);
    code = parser_.parse(json->data(), size, false).get(root);
  }
  if (code != simdjson::SUCCESS) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string("not valid JSON: ") + simdjson::error_message(code));
  }
  Object object;
  if (root.get(object) != simdjson::SUCCESS) {
    return Fail(ErrorCode::kInvalidArgument, "not a JSON object");
  }
  return object;
}

bool Reader::Read(const std::string& json, Object* root) {
  std::string_view text = json;
  const auto read = Read(&text, json.capacity() - json.size() >= kPadding);
  if (read) *root = *read;
  return read.has_value();
}

bool Reader::ReadHere(const std::string& json, Object* root) {
  static thread_local Reader reader;
  return reader.Read(json, root);
}

std::string_view Text(Object object, std::string_view key) {
  std::string_view value;
  if (object[key].get(value) != simdjson::SUCCESS) return {};
  return value;
}

std::int64_t Number(Object object, std::string_view key) {
  std::int64_t value = 0;
  if (object[key].get(value) != simdjson::SUCCESS) return 0;
  return value;
}

bool Flag(Object object, std::string_view key) {
  bool value = false;
  return object[key].get(value) == simdjson::SUCCESS && value;
}

bool Member(Object object, std::string_view key, Object* member) {
  return object[key].get(*member) == simdjson::SUCCESS;
}

}  // namespace downwardfs::json_dom
