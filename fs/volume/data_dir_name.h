// SPDX-License-Identifier: Apache-2.0
//
// Names of a volume's data directories, as the kubelet's atomic writer makes them: the UTC time
// `..YYYY_MM_DD_HH_MM_SS.`, then random digits (Go's os.MkdirTemp appends a 32-bit number, so nine
// or ten digits nearly always; we leave the shorter ones out). A namer has one owner and is used
// by one thread at a time; the function may be called by any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace downwardfs {

/// Makes data directory names: each differs from the one before.
class DataDirNamer {
 public:
  using Random = std::function<std::uint32_t()>;

  /// `clock` outlives the namer. `random` is any source of 32-bit numbers; the kernel's if empty.
  explicit DataDirNamer(const Clock& clock, Random random = nullptr);

  /// A name, such as `..2026_11_22_13_53_32.213006449`.
  std::string Next();

 private:
  const Clock& clock_;
  Random random_;
  std::string previous_;
};

/// True for a name of that form, with one to ten digits after the dot: one that this namer or the
/// kubelet may have made.
bool IsDataDirName(std::string_view name);

}  // namespace downwardfs
