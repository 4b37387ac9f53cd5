// SPDX-License-Identifier: Apache-2.0
//
// The recorded answers of the kubelet's own code in tests/data/kubelet-vectors: files of lines
// {"in": {...}, "out": {...}}. DOWNWARDFS_VECTORS=DIR runs another, larger set of the same shape.
// Failures to read are test failures (ADD_FAILURE). One thread: the test's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "fs/projection/document.h"

namespace downwardfs::testing {

/// One line, valid during the visit.
struct Vector {
  std::string where;  ///< "quantity.jsonl:12 {"in":...", for SCOPED_TRACE
  const Json& in;
  const Json& out;
};

/// Calls `visit` for each line of `file` ("quantity.jsonl") and returns how many there were. A file
/// that is missing or holds no vector, and a line that is not one, fail the test.
std::size_t ForEachVector(std::string_view file, const std::function<void(const Vector&)>& visit);

/// Whether `vector.out` says that the input is refused.
bool IsRefused(const Vector& vector);

/// The string member `key`, or the bytes of its twin `key`_b64 ("result", "result_b64"). `fallback`
/// if the object has neither.
std::string BytesMember(const Json& object, const std::string& key, std::string_view fallback = "");

/// The pod of `in`: "pod" as it stands, or "pod_b64" decoded and parsed.
Result<Json> PodOf(const Json& in);

/// Standard base64 with padding; a text that is not fails the test.
std::string DecodeBase64(std::string_view text);

/// `rune` in UTF-8; not a surrogate, at most U+10FFFF.
std::string Utf8(char32_t rune);

}  // namespace downwardfs::testing
