// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env_file.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "fs/projection/env.h"
#include "fs/projection/json_access.h"

namespace downwardfs {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view TrimLeft(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text;
}

// Lines without their newline; a carriage return before it is dropped, as bufio.ScanLines does.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> Next() {
    if (rest_.empty()) return std::nullopt;
    const auto end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    ++number_;
    return line;
  }
  int number() const { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

tl::unexpected<Error> BadLine(int number, std::string_view why) {
  return Invalid(Concat({"line ", std::to_string(number), ": ", why}));
}

// The quoted value that begins with `rest`, behind its opening quote.
Result<std::string> QuotedValue(std::string_view rest, Lines& lines) {
  const int first = lines.number();
  std::string value;
  for (;;) {
    const auto close = rest.find('\'');
    value += rest.substr(0, close);
    if (close != std::string_view::npos) {
      const std::string_view after = TrimLeft(rest.substr(close + 1));
      if (after.empty() || after.front() == '#') return value;
      return BadLine(lines.number(), "only a comment may follow the closing quote");
    }
    value += '\n';
    const auto next = lines.Next();
    if (!next) return BadLine(first, "the single quote is not closed");
    rest = *next;
  }
}

}  // namespace

Result<FileKeyRef> DecodeFileKeyRef(const Json& json) {
  FileKeyRef ref;
  for (const auto& [name, member] : {std::pair("volumeName", &ref.volume),
                                     std::pair("path", &ref.path), std::pair("key", &ref.key)}) {
    auto text = StringMember(json, name, "fileKeyRef");
    if (!text) return Fail(std::move(text.error()));
    if (text->empty()) return Invalid(std::string(name) + " is required");
    *member = std::move(*text);
  }
  if (const Json* const optional = FindMember(&json, "optional")) {
    if (!optional->is_boolean()) return Invalid("optional must be true or false");
    ref.optional = optional->get<bool>();
  }
  if (!IsEnvVarName(ref.key)) {
    return Invalid("key " + QuoteForMessage(ref.key) +
                   ": must be printable ASCII characters other than '='");
  }
  const bool inside = ("/" + ref.path + "/").find("/../") == std::string::npos &&
                      ref.path.find('\0') == std::string::npos;
  if (inside) return ref;
  return Invalid("path " + QuoteForMessage(ref.path) + ": must not contain '..'");
}

Status CheckVolumeOf(const FileKeyRef& ref, const Json& pod) {
  const Json* const volumes = FindMember(FindMember(&pod, "spec"), "volumes");
  if (volumes != nullptr && volumes->is_array()) {
    for (const Json& volume : *volumes) {
      if (ScalarMember(&volume, "name") != ref.volume) continue;
      if (FindMember(&volume, "emptyDir") != nullptr) return {};
      return Invalid("volume " + QuoteForMessage(ref.volume) + " must be an emptyDir");
    }
  }
  return Invalid("volume " + QuoteForMessage(ref.volume) + ": the pod has no such volume");
}

Result<std::string> ValueInEnvFile(std::string_view bytes, std::string_view key) {
  Lines lines(bytes);
  while (auto next = lines.Next()) {
    const std::string_view line = TrimLeft(*next);
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return BadLine(lines.number(), "has no '='");
    const std::string_view name = line.substr(0, equals);
    if (name.empty()) return BadLine(lines.number(), "has no name before '='");
    if (kBlanks.find(name.back()) != std::string_view::npos) {
      return BadLine(lines.number(), "no white space may stand before '='");
    }
    std::string_view rest = line.substr(equals + 1);
    std::string value;
    if (rest.empty() || kBlanks.find(rest.front()) == std::string_view::npos) {
      if (rest.empty() || rest.front() != '\'') {
        return BadLine(lines.number(), "the value must stand in single quotes");
      }
      auto quoted = QuotedValue(rest.substr(1), lines);
      if (!quoted) return quoted;
      value = std::move(*quoted);
    }
    if (name != key) continue;
    if (!value.empty()) return value;
    break;
  }
  return Fail(ErrorCode::kNotFound, "no such key, or it is empty");
}

}  // namespace downwardfs
