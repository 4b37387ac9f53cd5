// SPDX-License-Identifier: Apache-2.0
//
// A parsed API object, immutable and shared. JSON is read as the API server reads it (Go's
// encoding/json): the last of duplicate keys wins, but objects and lists of one key are merged;
// bytes that are not UTF-8 become U+FFFD, one each. Numbers keep their exact text (a Quantity may
// be an unquoted number, and 1e3 is another canonical form than 1000). nlohmann/json stays behind
// fs/: headers see json_fwd only. Any thread.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

using Json = nlohmann::json;

/// Parses JSON. Errors say line and column: kInvalidArgument. At most 1000 levels deep. Of
/// duplicate keys, two objects become one with the members of both, and two lists are merged
/// element by element and get the length of the last; null after a string changes nothing. A
/// string in a list of quantities (limits, requests, capacity, allocatable, overhead, a divisor)
/// keeps `\u` escapes of what a quantity is made of, so that it is refused as one.
/// Floating-point numbers come as Json::binary holding their text: see NumberText().
Result<Json> ParseJson(std::string_view text);

/// The exact text of a JSON number (of an integer too); nothing if `value` is not a number.
std::optional<std::string> NumberText(const Json& value);

/// JSON text of `value`, numbers with their exact text. Bytes that are not UTF-8 become U+FFFD.
/// `indent` < 0: compact.
std::string DumpJson(const Json& value, int indent = -1);

/// An API object, parsed.
class Document {
 public:
  /// Takes over `root`, which must be an object (kInvalidArgument otherwise).
  static Result<std::shared_ptr<const Document>> Make(Json root);
  /// ParseJson and Make.
  static Result<std::shared_ptr<const Document>> Parse(std::string_view json);

  explicit Document(std::unique_ptr<const Json> root);
  ~Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  const Json& root() const { return *root_; }

 private:
  std::unique_ptr<const Json> root_;
};

using DocumentPtr = std::shared_ptr<const Document>;

}  // namespace downwardfs
