// SPDX-License-Identifier: Apache-2.0
// An items file (`--items`, a CSI volume's `items` attribute): YAML or JSON text to items. Any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "fs/projection/item_spec.h"

namespace downwardfs {

/// Decodes one YAML or JSON document: see DecodeItemSpec() for its forms.
Result<ItemSpec> ParseItems(std::string_view text);

/// Reads and decodes the file `path`; errors begin with the path.
Result<ItemSpec> LoadItemsFile(const std::string& path);

}  // namespace downwardfs
