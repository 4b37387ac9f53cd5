// SPDX-License-Identifier: Apache-2.0
// One file of a volume, computed. A value; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace downwardfs {

struct ProjectedFile {
  std::string path;           ///< relative, clean: "res/cpu"
  std::string content;        ///< the exact bytes; no newline is added
  std::uint32_t mode = 0644;  ///< permission bits
  std::string source;         ///< fieldPath or resource that it shows: "limits.cpu of main"
  std::string problem = {};   ///< why the content is empty although it should not be; else empty
  std::optional<std::uint32_t> user = {};  ///< the owner; nothing: the volume's
  /// The object that has to be known for the content.
  enum class Lacks { kNothing, kNode, kNamespace } lacks = Lacks::kNothing;
};

}  // namespace downwardfs
