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

Result<FieldRef> DecodeFieldRef(const Json& value) {
  if (!value.is_object()) return Invalid("must be an object, not " + Describe(value));
  auto api_version = StringMember(value, "apiVersion");
  if (!api_version) return Fail(std::move(api_version.error()));
  auto field_path = StringMember(value, "fieldPath");
  if (!field_path) return Fail(std::move(field_path.error()));
  return FieldRef{std::move(*api_version), std::move(*field_path)};
}

Result<ResourceFieldRef> DecodeResourceFieldRef(const Json& value) {
  if (!value.is_object()) return Invalid("must be an object, not " + Describe(value));
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

Result<Item> DecodeItem(const Json& value) {
  if (value.is_null()) return Item{};
  if (!value.is_object()) return Invalid("must be an object, not " + Describe(value));
  Item item;
  auto path = StringMember(value, "path");
  if (!path) return Fail(std::move(path.error()));
  item.path = std::move(*path);
  if (const Json* ref = Member(value, "fieldRef")) {
    auto field_ref = DecodeFieldRef(*ref);
    if (!field_ref) return Fail(std::move(field_ref.error()), "fieldRef");
    item.field_ref = std::move(*field_ref);
  }
  if (const Json* ref = Member(value, "resourceFieldRef")) {
    auto resource_ref = DecodeResourceFieldRef(*ref);
    if (!resource_ref) return Fail(std::move(resource_ref.error()), "resourceFieldRef");
    item.resource_field_ref = std::move(*resource_ref);
  }
  auto mode = ModeMember(value, "mode");
  if (!mode) return Fail(std::move(mode.error()));
  item.mode = *mode;
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

Status DecodeItems(const Json& list, ItemSpec& spec) {
  if (!list.is_array()) return Invalid("items: must be a list, not " + Describe(list));
  for (const Json& value : list) {
    auto item = DecodeItem(value);
    if (!item) return Fail(std::move(item.error()), ItemContext(spec.items.size(), value));
    spec.items.push_back(std::move(*item));
  }
  return {};
}

Status TakeDefaultMode(const Json& from, ItemSpec& spec) {
  auto mode = ModeMember(from, "defaultMode");
  if (!mode) return Fail(std::move(mode.error()));
  if (*mode) spec.default_mode = **mode;
  return {};
}

// `items` and `defaultMode`, of a downwardAPI source or of one source of a projected volume.
Status DecodeSource(const Json& source, ItemSpec& spec) {
  if (!source.is_object()) return Invalid("must be an object with items, not " + Describe(source));
  if (auto taken = TakeDefaultMode(source, spec); !taken) return taken;
  if (const Json* items = Member(source, "items")) return DecodeItems(*items, spec);
  return {};
}

Status DecodeProjected(const Json& projected, ItemSpec& spec) {
  if (!projected.is_object()) return Invalid("must be an object, not " + Describe(projected));
  if (auto taken = TakeDefaultMode(projected, spec); !taken) return taken;
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
      if (items == nullptr) continue;
      if (auto done = DecodeItems(*items, spec); !done) {
        return Fail(std::move(done.error()), context + ".downwardAPI");
      }
    }
  }
  return {};
}

// An items file is written by hand: a misspelt key is an error there, not silence.
Status RefuseUnknownKeys(const Json& object, std::initializer_list<std::string_view> known) {
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

}  // namespace

Result<ItemSpec> DecodeItemSpec(const Json& value) {
  ItemSpec spec;
  if (value.is_array()) {
    if (auto done = DecodeItems(value, spec); !done) return Fail(std::move(done.error()));
    return spec;
  }
  if (!value.is_object()) {
    return Invalid("must be a downwardAPI volume source or a list of items, not " +
                   Describe(value));
  }
  if (const Json* source = Member(value, "downwardAPI")) {
    if (auto known = RefuseUnknownKeys(value, {"name", "downwardAPI"}); !known) {
      return Fail(std::move(known.error()));
    }
    if (auto done = DecodeSource(*source, spec); !done) {
      return Fail(std::move(done.error()), "downwardAPI");
    }
    return spec;
  }
  if (const Json* projected = Member(value, "projected")) {
    if (auto known = RefuseUnknownKeys(value, {"name", "projected"}); !known) {
      return Fail(std::move(known.error()));
    }
    if (auto done = DecodeProjected(*projected, spec); !done) {
      return Fail(std::move(done.error()), "projected");
    }
    return spec;
  }
  if (auto known = RefuseUnknownKeys(value, {"items", "defaultMode", "downwardAPI", "projected"});
      !known) {
    return Fail(std::move(known.error()));
  }
  if (!value.contains("items")) {
    return Invalid("no items: expected `items:` or a `downwardAPI:` volume source");
  }
  if (auto done = DecodeSource(value, spec); !done) return Fail(std::move(done.error()));
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
        done = DecodeSource(*source, spec);
      } else if (const Json* projected = Member(volume, "projected")) {
        done = DecodeProjected(*projected, spec);
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
