// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/document.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/text.h"
#include "fs/projection/json_bytes.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxDepth = 1000;

// Builds the DOM from nlohmann's events. Differences from its own DOM parser: floating-point
// numbers keep their text, depth is bounded, and strings are un-marked (see json_bytes.h).
class DomBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit DomBuilder(bool marked) : marked_(marked) {}

  bool null() override { return Put(nullptr); }
  bool boolean(bool v) override { return Put(v); }
  bool number_integer(number_integer_t v) override { return Put(v); }
  bool number_unsigned(number_unsigned_t v) override { return Put(v); }
  bool number_float(number_float_t, const string_t& text) override {
    return Put(Json::binary({text.begin(), text.end()}));
  }
  bool string(string_t& v) override { return Put(Unmark(std::move(v))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(Json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }
  bool key(string_t& v) override {
    key_ = Unmark(std::move(v));
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
    std::string text = e.what();
    for (const std::string_view prefix : {"] parse error at ", "] "}) {
      if (const auto at = text.find(prefix); at != std::string::npos) {
        text.erase(0, at + prefix.size());
        break;
      }
    }
    error_ = OneLine(text);
    return false;
  }

  Json root;
  const std::string& error() const { return error_; }

 private:
  std::string Unmark(std::string text) { return marked_ ? UnmarkBytes(text) : std::move(text); }

  Json* Place(Json value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));  // the last of duplicate keys wins
  }
  bool Put(Json value) {
    Place(std::move(value));
    return true;
  }
  bool Open(Json container) {
    if (open_.size() >= kMaxDepth) {
      error_ = "nested deeper than " + std::to_string(kMaxDepth) + " levels";
      return false;
    }
    open_.push_back(Place(std::move(container)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  const bool marked_;
  std::vector<Json*> open_;
  std::string key_;
  std::string error_;
};

// A JSON string with bytes that are not UTF-8 as they are: each well-formed stretch is nlohmann's.
void DumpStringKeepingBytes(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const std::size_t n = std::min(FirstInvalidUtf8(text), text.size());
    const std::string quoted = Json(text.substr(0, n)).dump();
    out.append(quoted, 1, quoted.size() - 2);
    text.remove_prefix(n);
    if (text.empty()) break;
    out += text.front();
    text.remove_prefix(1);
  }
  out += '"';
}

void Dump(const Json& value, int indent, int depth, InvalidUtf8 policy, std::string& out) {
  const auto new_line = [&](int levels) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(levels), ' ');
  };
  const auto dump_string = [&](const std::string& text) {
    if (policy == InvalidUtf8::kKeep) return DumpStringKeepingBytes(text, out);
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  if (value.is_object() && !value.empty()) {
    const char* separator = "{";
    for (const auto& [key, member] : value.items()) {
      out += std::exchange(separator, ",");
      new_line(depth + 1);
      dump_string(key);
      out += indent < 0 ? ":" : ": ";
      Dump(member, indent, depth + 1, policy, out);
    }
    new_line(depth);
    out += '}';
  } else if (value.is_array() && !value.empty()) {
    const char* separator = "[";
    for (const Json& member : value) {
      out += std::exchange(separator, ",");
      new_line(depth + 1);
      Dump(member, indent, depth + 1, policy, out);
    }
    new_line(depth);
    out += ']';
  } else if (value.is_string()) {
    dump_string(value.get_ref<const std::string&>());
  } else if (const auto number = NumberText(value)) {
    out += *number;
  } else {
    out += value.dump();
  }
}

}  // namespace

Result<Json> ParseJson(std::string_view text, InvalidUtf8 policy) {
  // Rare: a document with bytes or escapes that nlohmann's lexer refuses is rewritten first.
  const auto marked = MarkInvalidBytes(text, policy == InvalidUtf8::kKeep);
  if (marked) text = *marked;
  DomBuilder builder(marked.has_value());
  try {
    if (Json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.root);
  } catch (const nlohmann::json::exception& e) {
    return Fail(ErrorCode::kInvalidArgument, "JSON: " + OneLine(e.what()));
  }
  return Fail(ErrorCode::kInvalidArgument, "JSON: " + builder.error());
}

std::optional<std::string> NumberText(const Json& value) {
  if (value.is_binary()) {
    const auto& bytes = value.get_binary();
    return std::string(bytes.begin(), bytes.end());
  }
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

std::string DumpJson(const Json& value, int indent, InvalidUtf8 policy) {
  std::string out;
  Dump(value, indent, 0, policy, out);
  return out;
}

Result<DocumentPtr> Document::Make(Json root) {
  if (!root.is_object()) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string("an API object must be a JSON object, not ") + root.type_name());
  }
  return std::make_shared<const Document>(std::make_unique<const Json>(std::move(root)));
}

Result<DocumentPtr> Document::Parse(std::string_view json) {
  auto root = ParseJson(json);
  if (!root) return Fail(std::move(root.error()));
  return Make(std::move(*root));
}

Document::Document(std::unique_ptr<const Json> root) : root_(std::move(root)) {}
Document::~Document() = default;

}  // namespace downwardfs
