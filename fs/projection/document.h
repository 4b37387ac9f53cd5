// SPDX-License-Identifier: Apache-2.0
//
// A parsed API object, immutable and shared. JSON is read as the kubelet reads it: the last of
// duplicate keys wins, numbers keep their exact text (a Quantity may be an unquoted number, and
// 1e3 is another canonical form than 1000), and bytes that are not UTF-8 stay in strings as they
// are. nlohmann/json stays behind fs/: headers see json_fwd only. Any thread.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

using Json = nlohmann::json;

/// What a decoder does with string bytes that are not UTF-8 (and with lone surrogate escapes,
/// which become U+FFFD either way).
enum class InvalidUtf8 {
  kKeep,     ///< as json-iterator, the decoder of Kubernetes 1.20
  kReplace,  ///< each byte becomes U+FFFD, as Go's encoding/json, the decoder since 1.23
};

/// Parses JSON. Errors say line and column: kInvalidArgument. At most 1000 levels deep.
/// Floating-point numbers come as Json::binary holding their text: see NumberText().
Result<Json> ParseJson(std::string_view text, InvalidUtf8 policy = InvalidUtf8::kKeep);

/// The exact text of a JSON number (of an integer too); nothing if `value` is not a number.
std::optional<std::string> NumberText(const Json& value);

/// JSON text of `value`, numbers with their exact text. Bytes that are not UTF-8 become U+FFFD, or
/// stay (kKeep), so that ParseJson() reads the same value back. `indent` < 0: compact.
std::string DumpJson(const Json& value, int indent = -1,
                     InvalidUtf8 policy = InvalidUtf8::kReplace);

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
