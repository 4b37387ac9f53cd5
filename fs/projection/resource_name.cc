// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/projection/field_ref.h"
#include "fs/projection/json_access.h"
#include "fs/projection/resource_ref.h"

namespace downwardfs {
namespace {

// The characters that Go's strings.TrimSpace removes, but for control characters: Kubernetes trims
// the JSON text, where those stand as escapes and so are no white space.
constexpr std::array<std::string_view, 20> kSpaces = {" ",
                                                      "\xc2\x85",
                                                      "\xc2\xa0",
                                                      "\xe1\x9a\x80",
                                                      "\xe2\x80\x80",
                                                      "\xe2\x80\x81",
                                                      "\xe2\x80\x82",
                                                      "\xe2\x80\x83",
                                                      "\xe2\x80\x84",
                                                      "\xe2\x80\x85",
                                                      "\xe2\x80\x86",
                                                      "\xe2\x80\x87",
                                                      "\xe2\x80\x88",
                                                      "\xe2\x80\x89",
                                                      "\xe2\x80\x8a",
                                                      "\xe2\x80\xa8",
                                                      "\xe2\x80\xa9",
                                                      "\xe2\x80\xaf",
                                                      "\xe2\x81\x9f",
                                                      "\xe3\x80\x80"};

std::string_view TrimSpace(std::string_view text) {
  const auto trim = [&text](std::string_view space) {
    if (text.substr(0, space.size()) == space) {
      text.remove_prefix(space.size());
      return true;
    }
    if (text.size() >= space.size() && text.substr(text.size() - space.size()) == space) {
      text.remove_suffix(space.size());
      return true;
    }
    return false;
  };
  while (std::any_of(kSpaces.begin(), kSpaces.end(), trim)) {
  }
  return text;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// IsExtendedResourceName of pkg/apis/core/v1/helper: a qualified name whose domain is not
// Kubernetes' own, also with the prefix that a quota would give it.
bool IsExtended(std::string_view name) {
  return name.find('/') != std::string_view::npos &&
         name.find("kubernetes.io/") == std::string_view::npos &&
         name.substr(0, 9) != "requests." &&
         QualifiedNameErrors("requests." + std::string(name)).empty();
}

}  // namespace

Result<Quantity> DecodeQuantity(const Json& value) {
  if (value.is_null()) return Quantity();
  if (value.is_string()) {
    return Quantity::Parse(TrimSpace(value.get_ref<const std::string&>()));
  }
  if (const auto number = NumberText(value)) return Quantity::Parse(*number);
  return Fail(ErrorCode::kInvalidArgument,
              "must be a quantity, a string such as \"100m\" or a number, not " +
                  std::string(JsonTypeName(value)));
}

Result<ResourceName> ParseResourceName(std::string_view resource) {
  ResourceName result;
  std::string_view name = resource;
  result.is_limit = TakePrefix(name, "limits.");
  if (result.is_limit || TakePrefix(name, "requests.")) {
    result.is_hugepages = name.substr(0, 10) == "hugepages-";
    const bool plain = name == "cpu" || name == "memory" || name == "ephemeral-storage";
    result.is_extended = !plain && !result.is_hugepages && IsExtended(name);
    if (plain || result.is_hugepages || result.is_extended) {
      result.name = name;
      return result;
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              "resource " + QuoteForMessage(resource) +
                  ": must be requests. or limits. and cpu, memory, ephemeral-storage, "
                  "hugepages-<size> or an extended resource such as nvidia.com/gpu");
}

Status ValidateDivisor(const ResourceFieldRef& ref) {
  static constexpr std::string_view kForCpu[] = {"1m", "1"};
  static constexpr std::string_view kForOthers[] = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                                    "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
  // An unknown resource is ParseResourceName's to refuse.
  const auto name = ParseResourceName(ref.resource);
  if (ref.divisor.IsZero() || !name) return {};
  const std::string text = ref.divisor.ToString();
  const bool cpu = name->name == "cpu";
  const bool valid =
      cpu ? std::find(std::begin(kForCpu), std::end(kForCpu), text) != std::end(kForCpu)
          : std::find(std::begin(kForOthers), std::end(kForOthers), text) != std::end(kForOthers);
  if (valid) return {};
  return Fail(
      ErrorCode::kInvalidArgument,
      "divisor " + QuoteForMessage(text) + " of " + QuoteForMessage(ref.resource) + ": must be " +
          (cpu ? "1m or 1" : "one of 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"));
}

}  // namespace downwardfs
