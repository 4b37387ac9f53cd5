// SPDX-License-Identifier: Apache-2.0
#include "sources/items_file.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "sources/manifest.h"

namespace downwardfs {
namespace {

// Of a pod's attribute too, which is read before anything of it is known: a short text must not
// become a large one.
YamlLimits LimitsOfItems() {
  YamlLimits limits;
  limits.aliased_nodes = 20'000;
  limits.aliased_bytes = std::size_t{1} << 20;
  return limits;
}

}  // namespace

Result<ItemSpec> ParseItems(std::string_view text) {
  auto documents = ParseManifest(text, LimitsOfItems());
  if (!documents) return Fail(std::move(documents.error()));
  if (documents->size() != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                documents->empty() ? "empty: expected `items:` or a `downwardAPI:` volume source"
                                   : "several documents: expected one");
  }
  return DecodeItemSpec(documents->front());
}

Result<ItemSpec> LoadItemsFile(const std::string& path) {
  auto text = ReadFile(path);
  if (!text) return Fail(std::move(text.error()));
  auto items = ParseItems(*text);
  if (!items) return Fail(std::move(items.error()), path);
  return items;
}

}  // namespace downwardfs
