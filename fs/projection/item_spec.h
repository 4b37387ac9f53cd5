// SPDX-License-Identifier: Apache-2.0
//
// The content of a volume: the `items` and `defaultMode` of a downwardAPI volume source, decoded
// and checked. The rules are those of Kubernetes' pkg/apis/core/validation (what the API server
// refuses) and pkg/volume/util/atomic_writer.go (what the kubelet refuses to write). Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/projection/document.h"
#include "fs/projection/field_walk.h"
#include "fs/projection/resource_ref.h"

namespace downwardfs {

/// `fieldRef`: a field of the pod by its path.
struct FieldRef {
  std::string api_version;  ///< "v1" or empty
  std::string field_path;
};

/// One file of the volume: exactly one of the two references.
struct Item {
  std::string path;  ///< as written; CleanPath() gives the file's name
  std::optional<FieldRef> field_ref;
  std::optional<ResourceFieldRef> resource_field_ref;
  std::optional<std::int32_t> mode;
  std::optional<std::int64_t> user = {};  ///< the owner of the file (KEP-5936)
};

struct ItemSpec {
  std::vector<Item> items;
  std::int32_t default_mode = 0644;
  std::optional<std::int64_t> default_user = {};  ///< of the items without a user of their own
  /// From a projected volume: the API server lets no two of its items have the very same path.
  bool projected = false;
};

/// How strict validation is.
struct ItemRules {
  /// Refuse what goes beyond the kubelet: other fields than its five, extended resources.
  bool kubelet_only = false;
  /// Allow requests.hugepages-* and limits.hugepages-* (gate DownwardAPIHugePages; on since 1.27).
  bool hugepages = true;
  /// Judge `user` and `defaultUser` (gate AtomicWriteVolumeUserFields, alpha in 1.37). An API
  /// server without the gate drops them unjudged.
  bool users = true;
  /// Of fields that the schema does not have.
  UnknownFields unknown_fields = UnknownFields::kRefused;
};

/// Decodes an items file: a volume with `downwardAPI:`, a volume source with `items:`,
/// `defaultMode:` and `defaultUser:`, or a bare list of items. Checks types, not rules. A key that
/// no such object has is an error: the file is written by hand.
Result<ItemSpec> DecodeItemSpec(const Json& value);

/// Decodes the volume `name` of the pod's spec: `downwardAPI`, or every downwardAPI source of
/// `projected` (other sources of a projected volume are refused by name). Unknown keys are passed
/// over: a newer API server knows more.
Result<ItemSpec> ItemSpecFromVolume(const Json& pod, std::string_view name);

/// The rules of the API server. The error names the item by index and path. With `pod`, a field
/// that this build's schema lacks but the pod has is accepted.
Status ValidateItems(const ItemSpec& spec, const ItemRules& rules = {}, const Json* pod = nullptr);

/// The fate of two items for one file.
enum class EqualPaths {
  kRefused,   ///< as one of them would be invisible
  kLastWins,  ///< as in the kubelet's own volume
};

/// The rules of a directory tree: no file where another item needs a directory, names of at most
/// 255 bytes, paths of at most 4096, no NUL, not the root itself.
Status ValidateLayout(const ItemSpec& spec, EqualPaths equal_paths = EqualPaths::kRefused);

/// Go's filepath.Clean for a relative path: "a//b/./c" is "a/b/c", "" is ".".
std::string CleanPath(std::string_view path);

}  // namespace downwardfs
