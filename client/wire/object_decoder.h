// SPDX-License-Identifier: Apache-2.0
//
// Reads the few fields of an API object that the store indexes, and gives its JSON in the form that
// is kept: managedFields cut out (they are a third of a pod and nobody mounts them), kind and
// apiVersion present (list items come without). simdjson checks the whole object as it goes.
// Owned by one splitter; one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs::client {

/// An object within a stream. The views live until the next call of its decoder.
struct ObjectView {
  std::string_view kind;
  std::string_view api_version;
  std::string_view ns;
  std::string_view name;
  std::string_view uid;
  std::string_view resource_version;  ///< opaque
  std::string_view json;
  /// The annotation that ends the initial events of a streaming list.
  bool initial_events_end = false;
};

/// The type of an object that does not name its own.
struct TypeHint {
  std::string kind;
  std::string api_version;
};

/// Decodes one object after the other, reusing its memory.
class ObjectDecoder {
 public:
  /// The longest name, uid, version that is taken. The API server bounds names to 253 bytes; a
  /// version is a decimal number, and kept and sent again with every request.
  static constexpr std::size_t kLongestField = 1024;
  static constexpr std::size_t kLongestToken = 65536;  ///< of a list's next page

  /// Bytes that must be readable behind the JSON (simdjson reads in blocks).
  static constexpr std::size_t kPadding = 64;

  ObjectDecoder();
  ~ObjectDecoder();
  ObjectDecoder(const ObjectDecoder&) = delete;
  ObjectDecoder& operator=(const ObjectDecoder&) = delete;

  /// `json` must have kPadding readable bytes behind it. kInvalidArgument, with the rule that is
  /// broken, where it is not a JSON object. Bytes within strings that are not UTF-8 are kept: older
  /// API servers pass them on, and one such pod must not hide all the others.
  Result<ObjectView> Decode(std::string_view json, const TypeHint& hint);

  /// One watch event.
  struct Event {
    std::string_view type;
    ObjectView object;
  };
  Result<Event> DecodeEvent(std::string_view json, const TypeHint& hint);

  /// The members around the items of a list.
  struct Envelope {
    std::string kind;
    std::string api_version;
    std::string resource_version;
    std::string continue_token;
  };
  Result<Envelope> DecodeEnvelope(std::string_view json);

 private:
  struct Parsers;
  std::unique_ptr<Parsers> parsers_;
};

}  // namespace downwardfs::client
