// SPDX-License-Identifier: Apache-2.0
//
// The part of an object that the index of the cluster tree keeps, to make directories of. Read from
// the JSON with simdjson. A value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace downwardfs {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct ObjectSummary {
  std::int64_t created = 0;  ///< seconds since 1970; 0: it does not say
  std::int64_t changed = 0;  ///< the latest time that it tells of itself
  Labels labels;             ///< sorted by key
  // Of a pod.
  std::string node;
  std::vector<std::string> ips;
  bool host_network = false;  ///< its addresses are its node's
  bool finished = false;      ///< its addresses may be another's by now
};

/// Of a Pod, Node or Namespace. Absent members are empty.
ObjectSummary Summarize(const std::string& json);

}  // namespace downwardfs
