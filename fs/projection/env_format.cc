// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env_format.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/base64.h"
#include "base/text.h"

namespace downwardfs {
namespace {

// A character without a meaning to shells and dotenv readers, wherever it stands in a value.
bool IsPlain(char c) {
  constexpr std::string_view kSigns = "_-./:,@%+";
  return IsAlnum(c) || kSigns.find(c) != std::string_view::npos;
}

std::string DotenvValue(const std::string& value) {
  if (std::all_of(value.begin(), value.end(), IsPlain)) return value;
  constexpr std::string_view kSpecial = "\\$`\"";
  if (value.find_first_of(kSpecial) == std::string::npos) return '"' + value + '"';
  if (value.find_first_of("\\'") == std::string::npos) return '\'' + value + '\'';
  std::string out = "\"";
  for (const char c : value) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out + '"';
}

bool IsShellName(std::string_view name) {
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsAlnum(c) || c == '_'; });
}

// Inside single quotes everything stands for itself but the quote: it is closed, escaped, reopened.
std::string ShellQuote(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + '\'';
}

std::string JsonString(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string FormatJson(const std::vector<EnvVar>& variables) {
  if (variables.empty()) return "{}\n";
  std::string out = "{";
  const char* separator = "\n  ";
  for (const EnvVar& variable : variables) {
    out += std::exchange(separator, ",\n  ");
    out += JsonString(variable.name) + ": " + JsonString(variable.value);
    if (IsValidUtf8(variable.value)) continue;
    out += separator + JsonString(variable.name + "=base64") + ": " +
           JsonString(Base64Encode(variable.value));
  }
  return out + "\n}\n";
}

}  // namespace

std::string FormatEnv(const std::vector<EnvVar>& variables, EnvFormat format) {
  if (format == EnvFormat::kJson) return FormatJson(variables);
  std::string out;
  for (const EnvVar& variable : variables) {
    if (format == EnvFormat::kDotenv) {
      out += variable.name + '=' + DotenvValue(variable.value) + '\n';
    } else if (IsShellName(variable.name)) {
      out += "export " + variable.name + '=' + ShellQuote(variable.value) + '\n';
    } else {
      out += "# " + variable.name + ": no shell variable can have this name\n";
    }
  }
  return out;
}

}  // namespace downwardfs
