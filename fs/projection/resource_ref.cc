// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/resource_ref.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/text.h"
#include "fs/projection/json_access.h"

namespace downwardfs {
namespace {

using MaybeQuantity = std::optional<Quantity>;

std::string InContainer(std::string_view name) {
  return "container " + QuoteForMessage(name);
}

tl::unexpected<Error> WrongType(std::string_view what, std::string_view wanted, const Json& value) {
  return Fail(ErrorCode::kInvalidArgument, std::string(what) + " must be " + std::string(wanted) +
                                               ", not " + std::string(JsonTypeName(value)));
}

// The quantity `name` of a resource list such as `limits`; nothing where it is not set. Every entry
// must be a quantity, whether asked for or not: the API server takes no other pod.
Result<MaybeQuantity> FromList(const Json* list, std::string_view name, const std::string& where) {
  MaybeQuantity found;
  if (list == nullptr) return found;
  if (!list->is_object()) return WrongType(where, "an object", *list);
  for (const auto& [key, value] : list->items()) {
    auto quantity = DecodeQuantity(value);
    if (!quantity) return Fail(std::move(quantity.error()), where + "." + OneLine(key));
    if (key == name) found = std::move(*quantity);
  }
  return found;
}

// The same of `resources` of a container or of the pod's spec. Both its lists are checked.
Result<MaybeQuantity> FromResources(const Json* owner, const ResourceName& name) {
  MaybeQuantity found;
  const Json* const resources = FindMember(owner, "resources");
  if (resources == nullptr) return found;
  if (!resources->is_object()) return WrongType("resources", "an object", *resources);
  auto limit = FromList(FindMember(resources, "limits"), name.name, "resources.limits");
  if (!limit) return limit;
  auto request = FromList(FindMember(resources, "requests"), name.name, "resources.requests");
  if (!request) return request;
  return name.is_limit ? limit : request;
}

struct Found {
  std::string_view list;  // the list with the container: "initContainers"; empty: no list
  MaybeQuantity quantity;
  std::string others;  // names of all containers, for the message
};

// Looks through one list of containers. The first container of the name wins; those of a list that
// is not to be `found` in are only checked.
Status Search(const Json* spec, const char* list_name, std::string_view container_name,
              const ResourceName& name, bool findable, Found& found) {
  const Json* const list = FindMember(spec, list_name);
  if (list == nullptr) return {};
  const std::string where = std::string("spec.") + list_name;
  if (!list->is_array()) return WrongType(where, "a list", *list);
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Json& container = (*list)[i];
    const std::string element = where + "[" + std::to_string(i) + "]";
    if (!container.is_object()) return WrongType(element, "an object", container);
    auto own_name = StringMember(container, "name", element);
    if (!own_name) return Fail(std::move(own_name.error()));
    auto quantity = FromResources(&container, name);
    if (!quantity) return Fail(std::move(quantity.error()), InContainer(*own_name));
    if (!findable) continue;
    found.others += (found.others.empty() ? "" : ", ") + OneLine(*own_name);
    if (*own_name != container_name || !found.list.empty()) continue;
    found.list = list_name;
    found.quantity = std::move(*quantity);
  }
  return {};
}

Result<Found> FindContainer(const Json& pod, std::string_view container, const ResourceName& name,
                            bool ephemeral) {
  const Json* const spec = FindMember(&pod, "spec");
  Found found;
  for (const char* const list : {"containers", "initContainers", "ephemeralContainers"}) {
    const bool findable = ephemeral || std::string_view(list) != "ephemeralContainers";
    if (auto searched = Search(spec, list, container, name, findable, found); !searched) {
      return Fail(std::move(searched.error()));
    }
  }
  if (!found.list.empty()) return found;
  return Fail(ErrorCode::kNotFound, InContainer(container) + ": the pod has no such container" +
                                        (found.others.empty() ? "" : ", it has " + found.others));
}

bool IsSet(const MaybeQuantity& quantity) {
  return quantity && !quantity->IsZero();
}

// The limits that fall back to another if they are unset or zero.
bool MayFallBack(const ResourceName& name) {
  return name.is_limit && !name.is_hugepages && !name.is_extended;
}

Result<MaybeQuantity> OfNode(std::string_view container, const ResourceName& name,
                             const Json* node) {
  if (node == nullptr) {
    return Fail(ErrorCode::kFailedPrecondition,
                InContainer(container) + " has no limit of " + name.name +
                    ": its node's status.allocatable is needed, and the node is not known");
  }
  return FromList(FindMember(FindMember(node, "status"), "allocatable"), name.name,
                  "node's status.allocatable");
}

// The limit in the environment of a container without one: its pod's, or else all that the
// node can give.
Result<MaybeQuantity> OfPodOrNode(std::string_view container, const ResourceName& name,
                                  const Json& pod, const Json* node) {
  MaybeQuantity of_pod;
  if (name.name == "cpu" || name.name == "memory") {
    auto found = FromResources(FindMember(&pod, "spec"), name);
    if (!found) return Fail(std::move(found.error()), "spec");
    of_pod = std::move(*found);
  }
  if (IsSet(of_pod) && node == nullptr) return of_pod;
  auto of_node = OfNode(container, name, node);
  if (of_node && *of_node && IsSet(of_pod)) return of_pod;
  return of_node;
}

// int64(math.Ceil(amount / divisor)). Outside of int64 amd64 answers its least value, for NaN too.
std::int64_t CeilOfQuotient(std::int64_t amount, std::int64_t divisor) {
  constexpr double kLimit = 9223372036854775808.0;
  const double quotient = std::ceil(static_cast<double>(amount) / static_cast<double>(divisor));
  if (quotient >= -kLimit && quotient < kLimit) return static_cast<std::int64_t>(quotient);
  return std::numeric_limits<std::int64_t>::min();
}

std::string Divided(const ResourceFieldRef& ref, const ResourceName& name,
                    const MaybeQuantity& quantity) {
  const Quantity amount = quantity.value_or(Quantity());
  const bool cpu = name.name == "cpu";
  std::int64_t divisor = cpu ? 1000 : 1;
  if (!ref.divisor.IsZero()) divisor = cpu ? ref.divisor.MilliValue() : ref.divisor.Value();
  return std::to_string(CeilOfQuotient(cpu ? amount.MilliValue() : amount.Value(), divisor));
}

}  // namespace

Result<std::string> ResourceValue(const ResourceFieldRef& ref, const Json& pod, const Json* node) {
  const auto name = ParseResourceName(ref.resource);
  if (!name) return Fail(name.error());
  auto found = FindContainer(pod, ref.container_name, *name, /*ephemeral=*/false);
  if (!found) return Fail(std::move(found.error()));
  if (MayFallBack(*name) && !IsSet(found->quantity)) {
    auto fallback = OfNode(ref.container_name, *name, node);
    if (!fallback) return Fail(std::move(fallback.error()));
    if (*fallback) found->quantity = std::move(*fallback);
  }
  return Divided(ref, *name, found->quantity);
}

Result<std::string> EnvResourceValue(const ResourceFieldRef& ref, std::string_view own,
                                     const Json& pod, const Json* node) {
  const auto name = ParseResourceName(ref.resource);
  if (!name) return Fail(name.error());
  const bool is_named = !ref.container_name.empty();
  const std::string_view container = is_named ? ref.container_name : own;
  auto found = FindContainer(pod, container, *name, /*ephemeral=*/!is_named);
  if (!found) return Fail(std::move(found.error()));
  const bool falls_back = !is_named || found->list == "containers";
  if (MayFallBack(*name) && falls_back && !IsSet(found->quantity)) {
    auto fallback = OfPodOrNode(container, *name, pod, node);
    if (!fallback) return Fail(std::move(fallback.error()));
    if (*fallback) found->quantity = std::move(*fallback);
  }
  return Divided(ref, *name, found->quantity);
}

}  // namespace downwardfs
