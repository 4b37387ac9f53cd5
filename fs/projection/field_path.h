// SPDX-License-Identifier: Apache-2.0
//
// The syntax of field paths beyond the kubelet's own: members separated by dots, each with any
// number of `[index]` and `[key=value]` behind it, and at the end at most one `['key']`, which runs
// to the end of the path as SplitSubscript() has it. Views point into the parsed text. Any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace downwardfs {

/// One step of a path.
struct PathStep {
  enum class Kind {
    kMember,  ///< name
    kIndex,   ///< [index]
    kSelect,  ///< [name=value]: the first element of a list whose member `name` is `value`
    kKey,     ///< ['name']: a map's entry
  };
  Kind kind = Kind::kMember;
  std::string_view name;
  std::string_view value;
  std::size_t index = 0;
  std::size_t end = 0;  ///< offset of the path's text after this step, for messages
};

/// Splits `path` into steps. kInvalidArgument names what does not fit the syntax.
Result<std::vector<PathStep>> ParseFieldPath(std::string_view path);

}  // namespace downwardfs
