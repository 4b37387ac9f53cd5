// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/item_spec.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace downwardfs {
namespace {

std::string Describe(const Json& value) {
  if (value.is_binary()) return "the number " + *NumberText(value);
  if (value.is_number()) return "the number " + value.dump();
  return value.type_name();
}

// A member that is absent or null is nullptr, as Go's decoder leaves the field at its zero value.
const Json* Member(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Result<std::string> StringMember(const Json& object, const char* name) {
  const Json* value = Member(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) {
    return Invalid(std::string(name) + ": must be a string, not " + Describe(*value));
  }
  return value->get<std::string>();
}

Result<std::optional<std::int32_t>> ModeMember(const Json& object, const char* name) {
  const Json* value = Member(object, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) {
    return Invalid(std::string(name) +
                   ": must be an integer (0644 in YAML is octal, 420 in JSON), not " +
                   Describe(*value));
  }
  const bool fits =
      value->is_number_unsigned()
          ? value->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int32_t>::max()}
          : value->get<std::int64_t>() >= std::numeric_limits<std::int32_t>::min();
  if (!fits) return Invalid(std::string(name) + ": " + value->dump() + " is not a 32-bit number");
  return value->get<std::int32_t>();
}

Result<std::optional<std::int64_t>> UserMember(const Json& object, const char* name) {
  const Json* value = Member(object, name);
  if (value == nullptr) return std::nullopt;
  const bool fits =
      value->is_number_integer() &&
      (!value->is_number_unsigned() ||
       value->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  if (fits) return value->get<std::int64_t>();
  return Invalid(std::string(name) + ": must be a user's number, not " + Describe(*value));
}

// The fate of a key that an object of this kind does not have.
enum class UnknownKeys { kPassedOver, kRefused };

Status CheckKeys(const Json& object, UnknownKeys policy,
                 std::initializer_list<std::string_view> known) {
  if (policy == UnknownKeys::kPassedOver) return {};
  for (const auto& [key, value] : object.items()) {
    bool found = false;
    std::string list;
    for (const std::string_view name : known) {
      found = found || key == name;
      list += (list.empty() ? "" : ", ") + std::string(name);
    }
    if (!found) return Invalid("unknown key " + QuoteForMessage(key) + "; known are: " + list);
  }
  return {};
}

Result<FieldRef> DecodeFieldRef(const Json& value, UnknownKeys unknown) {
  if (!value.is_object()) return Invalid("must be an object, not " + Describe(value));
  if (auto known = CheckKeys(value, unknown, {"apiVersion", "fieldPath"}); !known) {
    return Fail(std::move(known.error()));
  }
  auto api_version = StringMember(value, "apiVersion");
  if (!api_version) return Fail(std::move(api_version.error()));
  auto field_path = StringMember(value, "fieldPath");
  if (!field_path) return Fail(std::move(field_path.error()));
  return FieldRef{std::move(*api_version), std::move(*field_path)};
}

Result<ResourceFieldRef> DecodeResourceFieldRef(const Json& value, UnknownKeys unknown) {
  if (!value.is_object()) return Invalid("must be an object, not " + Describe(value));
  if (auto known = CheckKeys(value, unknown, {"containerName", "resource", "divisor"}); !known) {
    return Fail(std::move(known.error()));
  }
  ResourceFieldRef ref;
  auto container = StringMember(value, "containerName");
  if (!container) return Fail(std::move(container.error()));
  auto resource = StringMember(value, "resource");
  if (!resource) return Fail(std::move(resource.error()));
  ref.container_name = std::move(*container);
  ref.resource = std::move(*resource);
  if (const Json* divisor = Member(value, "divisor")) {
    auto quantity = DecodeQuantity(*divisor);
    if (!quantity) return Fail(std::move(quantity.error()), "divisor");
    ref.divisor = std::move(*quantity);
  }
  return ref;
}

Result<Item> DecodeItem(const Json& value, UnknownKeys unknown) {
  if (value.is_null()) return Item{};
  if (!value.is_object()) return Invalid("must be an object, not " + Describe(value));
  if (auto known =
          CheckKeys(value, unknown, {"path", "fieldRef", "resourceFieldRef", "mode", "user"});
      !known) {
    return Fail(std::move(known.error()));
  }
  Item item;
  auto path = StringMember(value, "path");
  if (!path) return Fail(std::move(path.error()));
  item.path = std::move(*path);
  if (const Json* ref = Member(value, "fieldRef")) {
    auto field_ref = DecodeFieldRef(*ref, unknown);
    if (!field_ref) return Fail(std::move(field_ref.error()), "fieldRef");
    item.field_ref = std::move(*field_ref);
  }
  if (const Json* ref = Member(value, "resourceFieldRef")) {
    auto resource_ref = DecodeResourceFieldRef(*ref, unknown);
    if (!resource_ref) return Fail(std::move(resource_ref.error()), "resourceFieldRef");
    item.resource_field_ref = std::move(*resource_ref);
  }
  auto mode = ModeMember(value, "mode");
  if (!mode) return Fail(std::move(mode.error()));
  item.mode = *mode;
  auto user = UserMember(value, "user");
  if (!user) return Fail(std::move(user.error()));
  item.user = *user;
  return item;
}

std::string ItemContext(std::size_t index, const Json& value) {
  std::string context = "items[" + std::to_string(index) + "]";
  if (value.is_object()) {
    if (const auto it = value.find("path"); it != value.end() && it->is_string()) {
      context += " " + QuoteForMessage(it->get_ref<const std::string&>());
    }
  }
  return context;
}

Status DecodeItems(const Json& list, UnknownKeys unknown, ItemSpec& spec) {
  if (!list.is_array()) return Invalid("items: must be a list, not " + Describe(list));
  for (const Json& value : list) {
    auto item = DecodeItem(value, unknown);
    if (!item) return Fail(std::move(item.error()), ItemContext(spec.items.size(), value));
    spec.items.push_back(std::move(*item));
  }
  return {};
}

// `defaultMode` and `defaultUser`, of a downwardAPI or a projected volume source.
Status DecodeDefaults(const Json& source, ItemSpec& spec) {
  auto mode = ModeMember(source, "defaultMode");
  if (!mode) return Fail(std::move(mode.error()));
  if (*mode) spec.default_mode = **mode;
  auto user = UserMember(source, "defaultUser");
  if (!user) return Fail(std::move(user.error()));
  spec.default_user = *user;
  return {};
}

Status DecodeSource(const Json& source, UnknownKeys unknown, ItemSpec& spec) {
  if (!source.is_object()) return Invalid("must be an object with items, not " + Describe(source));
  if (auto known = CheckKeys(source, unknown, {"items", "defaultMode", "defaultUser"}); !known) {
    return known;
  }
  if (auto done = DecodeDefaults(source, spec); !done) return done;
  if (const Json* items = Member(source, "items")) return DecodeItems(*items, unknown, spec);
  return {};
}

Status DecodeProjected(const Json& projected, UnknownKeys unknown, ItemSpec& spec) {
  if (!projected.is_object()) return Invalid("must be an object, not " + Describe(projected));
  if (auto known = CheckKeys(projected, unknown, {"sources", "defaultMode", "defaultUser"});
      !known) {
    return known;
  }
  spec.projected = true;
  if (auto done = DecodeDefaults(projected, spec); !done) return done;
  const Json* sources = Member(projected, "sources");
  if (sources == nullptr) return {};
  if (!sources->is_array()) return Invalid("sources: must be a list, not " + Describe(*sources));
  std::size_t index = 0;
  for (const Json& source : *sources) {
    const std::string context = "sources[" + std::to_string(index++) + "]";
    if (!source.is_object()) return Invalid(context + ": must be an object");
    for (const auto& [name, value] : source.items()) {
      if (value.is_null()) continue;
      if (name != "downwardAPI") {
        return Invalid(Concat(
            {context, ".", name,
             ": only downwardAPI sources can be shown; give the others a volume of their own"}));
      }
      // A source has no defaultMode of its own; the volume's holds.
      const Json* items = value.is_object() ? Member(value, "items") : nullptr;
      if (!value.is_object()) return Invalid(context + ".downwardAPI: must be an object");
      auto done = CheckKeys(value, unknown, {"items"});
      if (done && items != nullptr) done = DecodeItems(*items, unknown, spec);
      if (!done) {
        return Fail(std::move(done.error()), context + ".downwardAPI");
      }
    }
  }
  return {};
}

}  // namespace

// An items file is written by hand: a misspelt key is an error there, not silence.
Result<ItemSpec> DecodeItemSpec(const Json& value) {
  constexpr UnknownKeys kRefused = UnknownKeys::kRefused;
  ItemSpec spec;
  Status done;
  if (value.is_array()) {
    done = DecodeItems(value, kRefused, spec);
  } else if (!value.is_object()) {
    done =
        Invalid("must be a downwardAPI volume source or a list of items, not " + Describe(value));
  } else if (const Json* source = Member(value, "downwardAPI")) {
    done = CheckKeys(value, kRefused, {"name", "downwardAPI"});
    if (done) done = DecodeSource(*source, kRefused, spec);
    if (!done) return Fail(std::move(done.error()), "downwardAPI");
  } else if (const Json* projected = Member(value, "projected")) {
    done = CheckKeys(value, kRefused, {"name", "projected"});
    if (done) done = DecodeProjected(*projected, kRefused, spec);
    if (!done) return Fail(std::move(done.error()), "projected");
  } else {
    done = CheckKeys(value, kRefused,
                     {"items", "defaultMode", "defaultUser", "downwardAPI", "projected"});
    if (done && !value.contains("items")) {
      done = Invalid("no items: expected `items:` or a `downwardAPI:` volume source");
    }
    if (done) done = DecodeSource(value, kRefused, spec);
  }
  if (!done) return Fail(std::move(done.error()));
  return spec;
}

Result<ItemSpec> ItemSpecFromVolume(const Json& pod, std::string_view name) {
  std::string names;
  const auto spec_it = pod.find("spec");
  const Json* volumes =
      spec_it != pod.end() && spec_it->is_object() ? Member(*spec_it, "volumes") : nullptr;
  if (volumes != nullptr && volumes->is_array()) {
    for (const Json& volume : *volumes) {
      if (!volume.is_object()) continue;
      const auto volume_name = StringMember(volume, "name");
      if (!volume_name) continue;
      names += (names.empty() ? "" : ", ") + QuoteForMessage(*volume_name);
      if (*volume_name != name) continue;
      const std::string context = "volume " + QuoteForMessage(name);
      ItemSpec spec;
      Status done;
      if (const Json* source = Member(volume, "downwardAPI")) {
        done = DecodeSource(*source, UnknownKeys::kPassedOver, spec);
      } else if (const Json* projected = Member(volume, "projected")) {
        done = DecodeProjected(*projected, UnknownKeys::kPassedOver, spec);
      } else {
        return Invalid(context + ": is neither a downwardAPI nor a projected volume");
      }
      if (!done) return Fail(std::move(done.error()), context);
      return spec;
    }
  }
  return Fail(ErrorCode::kNotFound, "volume " + QuoteForMessage(name) +
                                        ": not in the pod's spec.volumes (it has " +
                                        (names.empty() ? "none" : names) + ")");
}

}  // namespace downwardfs
