// SPDX-License-Identifier: Apache-2.0
// The rules for items: what the API server refuses, then what no directory tree can hold.
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "fs/projection/field_ref.h"
#include "fs/projection/item_spec.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMaxElementBytes = 255;
constexpr std::size_t kMaxPathBytes = 4096;

std::vector<std::string_view> Elements(std::string_view path) {
  std::vector<std::string_view> elements;
  for (;;) {
    const auto slash = path.find('/');
    elements.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return elements;
    path.remove_prefix(slash + 1);
  }
}

// validateLocalNonReservedPath: relative, no element "..", not starting with "..".
Status CheckPath(std::string_view path) {
  if (path.empty()) return Invalid("path: required");
  const std::string quoted = "path " + QuoteForMessage(path) + ": ";
  if (path.front() == '/') return Invalid(quoted + "must be a relative path");
  for (const std::string_view element : Elements(path)) {
    if (element == "..") return Invalid(quoted + "must not contain '..'");
  }
  if (path.substr(0, 2) == "..") return Invalid(quoted + "must not start with '..'");
  return {};
}

Status CheckMode(const char* name, std::int32_t mode) {
  if (mode >= 0 && mode <= 0777) return {};
  return Invalid(std::string(name) + " " + std::to_string(mode) +
                 ": must be between 0 and 0777 (octal), both inclusive");
}

// IsValidUserID of apimachinery's validation.
Status CheckUser(const char* name, const std::optional<std::int64_t>& user,
                 const ItemRules& rules) {
  constexpr std::int64_t kMaxUser = std::numeric_limits<std::int32_t>::max();
  if (!user || !rules.users || (*user >= 0 && *user <= kMaxUser)) return {};
  return Invalid(std::string(name) + " " + std::to_string(*user) + ": must be between 0 and " +
                 std::to_string(kMaxUser) + ", both inclusive");
}

// validateObjectFieldSelector; an empty apiVersion was defaulted to v1 before.
Status CheckFieldRef(const FieldRef& ref, const ItemRules& rules, const Json* pod) {
  if (!ref.api_version.empty() && ref.api_version != "v1") {
    return Invalid("fieldRef.apiVersion " + QuoteForMessage(ref.api_version) + ": must be v1");
  }
  if (ref.field_path.empty()) return Invalid("fieldRef.fieldPath: required");
  if (auto valid = ValidateFieldPath(ref.field_path, rules.kubelet_only, pod, rules.unknown_fields);
      !valid) {
    return Fail(std::move(valid.error()), "fieldRef");
  }
  return {};
}

// validateContainerResourceFieldSelector and validateContainerResourceDivisor, for a volume.
Status CheckResourceFieldRef(const ResourceFieldRef& ref, const ItemRules& rules) {
  if (ref.container_name.empty()) return Invalid("resourceFieldRef.containerName: required");
  if (ref.resource.empty()) return Invalid("resourceFieldRef.resource: required");
  auto name = ParseResourceName(ref.resource);
  if (!name) return Fail(std::move(name.error()), "resourceFieldRef");
  if ((name->is_extended && rules.kubelet_only) || (name->is_hugepages && !rules.hugepages)) {
    return Invalid("resourceFieldRef.resource " + QuoteForMessage(ref.resource) +
                   ": not supported by the kubelet's own volume");
  }
  if (auto valid = ValidateDivisor(ref); !valid) {
    return Fail(std::move(valid.error()), "resourceFieldRef");
  }
  return {};
}

Status CheckItem(const Item& item, const ItemRules& rules, const Json* pod) {
  if (auto valid = CheckPath(item.path); !valid) return valid;
  if (item.field_ref && item.resource_field_ref) {
    return Invalid("fieldRef and resourceFieldRef must not both be given");
  }
  if (!item.field_ref && !item.resource_field_ref) {
    return Invalid("one of fieldRef and resourceFieldRef is required");
  }
  if (item.field_ref) {
    if (auto valid = CheckFieldRef(*item.field_ref, rules, pod); !valid) return valid;
  } else if (auto valid = CheckResourceFieldRef(*item.resource_field_ref, rules); !valid) {
    return valid;
  }
  if (item.mode) {
    if (auto valid = CheckMode("mode", *item.mode); !valid) return valid;
  }
  return CheckUser("user", item.user, rules);
}

std::string Context(std::size_t index, const Item& item) {
  return "items[" + std::to_string(index) + "] " + QuoteForMessage(item.path);
}

}  // namespace

std::string CleanPath(std::string_view path) {
  const bool absolute = !path.empty() && path.front() == '/';
  std::vector<std::string_view> kept;
  for (const std::string_view element : Elements(path)) {
    if (element.empty() || element == ".") continue;
    if (element == ".." && !kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (element != ".." || !absolute) {
      kept.push_back(element);
    }
  }
  std::string out = absolute ? "/" : "";
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i > 0) out += '/';
    out += kept[i];
  }
  return out.empty() ? "." : out;
}

Status ValidateItems(const ItemSpec& spec, const ItemRules& rules, const Json* pod) {
  if (auto valid = CheckMode("defaultMode", spec.default_mode); !valid) return valid;
  if (auto valid = CheckUser("defaultUser", spec.default_user, rules); !valid) return valid;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < spec.items.size(); ++i) {
    const Item& item = spec.items[i];
    if (auto valid = CheckItem(item, rules, pod); !valid) {
      return Fail(std::move(valid.error()), Context(i, item));
    }
    if (spec.projected && !seen.insert(item.path).second) {
      return Invalid(Context(i, item) + ": conflicting duplicate paths");
    }
  }
  return {};
}

Status ValidateLayout(const ItemSpec& spec, EqualPaths equal_paths) {
  std::set<std::string> files;
  std::set<std::string> directories;
  for (std::size_t i = 0; i < spec.items.size(); ++i) {
    const std::string context = Context(i, spec.items[i]) + ": ";
    const std::string path = CleanPath(spec.items[i].path);
    if (path == ".") return Invalid(context + "names the volume itself, not a file in it");
    if (path.size() > kMaxPathBytes) {
      return Invalid(context + "longer than " + std::to_string(kMaxPathBytes) + " bytes");
    }
    if (path.find('\0') != std::string::npos) return Invalid(context + "contains a NUL byte");
    for (const std::string_view element : Elements(path)) {
      if (element.size() > kMaxElementBytes) {
        return Invalid(context + "a file name must not be longer than " +
                       std::to_string(kMaxElementBytes) + " bytes");
      }
    }
    if (!files.insert(path).second && equal_paths == EqualPaths::kRefused) {
      return Invalid(context + "another item has the same path");
    }
    for (auto slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      directories.insert(path.substr(0, slash));
    }
  }
  for (std::size_t i = 0; i < spec.items.size(); ++i) {
    if (directories.count(CleanPath(spec.items[i].path)) == 0) continue;
    return Invalid(Context(i, spec.items[i]) +
                   ": a file here and a directory there: another item's path lies below it");
  }
  return {};
}

}  // namespace downwardfs
