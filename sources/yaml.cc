// SPDX-License-Identifier: Apache-2.0
#include "sources/yaml.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

namespace downwardfs {
namespace {

Result<Json> ToJson(YamlValue value) {
  if (auto* text = std::get_if<std::string>(&value)) return Json(std::move(*text));
  if (const auto* flag = std::get_if<bool>(&value)) return Json(*flag);
  if (const auto* i = std::get_if<std::int64_t>(&value)) return Json(*i);
  if (const auto* u = std::get_if<std::uint64_t>(&value)) return Json(*u);
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr) return Json(nullptr);
  if (!std::isfinite(*number)) {
    return Fail(ErrorCode::kInvalidArgument, "infinity and NaN cannot be written in JSON");
  }
  const std::string text = YamlNumberText(*number);
  // An integer by now, as a reader of the JSON text would see it; -0 is 0 to such a reader.
  if (text.find_first_of(".e") == std::string::npos) {
    auto integer = ResolveYamlScalar(text, /*plain=*/true, "");
    if (integer && !std::holds_alternative<double>(*integer)) return ToJson(std::move(*integer));
  }
  return Json(Json::binary({text.begin(), text.end()}));
}

// Puts the documents together in place.
class JsonSink final : public YamlSink {
 public:
  std::vector<Json> documents;

  void BeginDocument() override { slot_ = &documents.emplace_back(nullptr); }

  Status Scalar(YamlValue value, std::string_view, std::size_t) override {
    auto json = ToJson(std::move(value));
    if (!json) return Fail(std::move(json.error()));
    Put(std::move(*json));
    return {};
  }

  void OpenList(std::size_t) override { open_.push_back(&Put(Json::array())); }
  void OpenMap(std::size_t) override { open_.push_back(&Put(Json::object())); }
  void Key(std::string key) override { slot_ = &(*open_.back())[std::move(key)]; }
  void Close() override { open_.pop_back(); }

 private:
  Json& Put(Json value) {
    if (!open_.empty() && open_.back()->is_array()) slot_ = &open_.back()->emplace_back(nullptr);
    *slot_ = std::move(value);
    return *slot_;
  }

  std::vector<Json*> open_;  // none of them moves while those inside of it are made
  Json* slot_ = nullptr;     // of the next value, unless it goes to the end of a list
};

}  // namespace

Result<std::vector<Json>> ParseYamlDocuments(std::string_view text, const YamlLimits& limits) {
  JsonSink sink;
  if (auto read = ReadYaml(text, limits, sink); !read) {
    return Fail(std::move(read.error()), "YAML");
  }
  return std::move(sink.documents);
}

}  // namespace downwardfs
