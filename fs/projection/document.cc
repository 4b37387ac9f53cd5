// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/document.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/text.h"
#include "fs/projection/json_bytes.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxDepth = 1000;

// Whether the strings below the member `key` of an object are quantities.
bool HoldsQuantities(std::string_view key) {
  return key == "limits" || key == "requests" || key == "capacity" || key == "allocatable" ||
         key == "overhead" || key == "allocatedResources";
}

// Builds the DOM from nlohmann's events. Differences from its own DOM parser: floating-point
// numbers keep their text, depth is bounded, duplicates are merged as Go merges them into a value
// that it has begun, and strings are un-marked (see json_bytes.h).
class DomBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit DomBuilder(bool marked) : marked_(marked) {}

  bool null() override {
    Json& slot = Slot();
    if (!slot.is_string()) slot = nullptr;
    return true;
  }
  bool boolean(bool v) override { return Put(v); }
  bool number_integer(number_integer_t v) override { return Put(v); }
  bool number_unsigned(number_unsigned_t v) override { return Put(v); }
  bool number_float(number_float_t, const string_t& text) override {
    return Put(Json::binary({text.begin(), text.end()}));
  }
  bool string(string_t& v) override {
    return Put(marked_ ? UnmarkEscapes(v, IsQuantity()) : std::move(v));
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(Json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }
  bool key(string_t& v) override {
    key_ = marked_ ? UnmarkEscapes(v, false) : std::move(v);
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
  // An object or list whose end has not come.
  struct Frame {
    Json* value;
    std::size_t next = 0;  // of a list: where the next element goes; it may be there already
    bool of_quantities = false;
  };

  bool IsQuantity() const {
    return !open_.empty() && (open_.back().of_quantities || key_ == "divisor");
  }

  // The place of the next value: null, or the value of an equal key before it.
  Json& Slot() {
    if (open_.empty()) return root;
    Frame& frame = open_.back();
    if (frame.value->is_object()) return (*frame.value)[key_];
    if (frame.next == frame.value->size()) frame.value->push_back(nullptr);
    return (*frame.value)[frame.next++];
  }
  bool Put(Json value) {
    Slot() = std::move(value);
    return true;
  }
  bool Open(Json container) {
    if (open_.size() >= kMaxDepth) {
      error_ = "nested deeper than " + std::to_string(kMaxDepth) + " levels";
      return false;
    }
    const bool of_quantities =
        !open_.empty() && open_.back().value->is_object() && HoldsQuantities(key_);
    Json& slot = Slot();
    if (slot.type() != container.type()) slot = std::move(container);
    open_.push_back({&slot, 0, of_quantities});
    return true;
  }
  bool Close() {
    Json& value = *open_.back().value;
    if (value.is_array()) value.get_ref<Json::array_t&>().resize(open_.back().next);
    open_.pop_back();
    return true;
  }

  const bool marked_;
  std::vector<Frame> open_;
  std::string key_;
  std::string error_;
};

void Dump(const Json& value, int indent, int depth, std::string& out) {
  const auto new_line = [&](int levels) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(levels), ' ');
  };
  const auto dump_string = [&](const std::string& text) {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  if (value.is_object() && !value.empty()) {
    const char* separator = "{";
    for (const auto& [key, member] : value.items()) {
      out += std::exchange(separator, ",");
      new_line(depth + 1);
      dump_string(key);
      out += indent < 0 ? ":" : ": ";
      Dump(member, indent, depth + 1, out);
    }
    new_line(depth);
    out += '}';
  } else if (value.is_array() && !value.empty()) {
    const char* separator = "[";
    for (const Json& member : value) {
      out += std::exchange(separator, ",");
      new_line(depth + 1);
      Dump(member, indent, depth + 1, out);
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

Result<Json> ParseJson(std::string_view text) {
  // Rare: a document with bytes or escapes that nlohmann's lexer refuses is rewritten first.
  const auto marked = RepairJson(text);
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

std::string DumpJson(const Json& value, int indent) {
  std::string out;
  Dump(value, indent, 0, out);
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
