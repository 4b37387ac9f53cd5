// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/json_access.h"

#include <nlohmann/json.hpp>

namespace downwardfs {
namespace {

tl::unexpected<Error> WrongType(std::string_view what, std::string_view wanted, const Json& value) {
  std::string message(what);
  message += " must be ";
  message += wanted;
  message += ", not ";
  message += JsonTypeName(value);
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

}  // namespace

const Json* FindMember(const Json* object, std::string_view name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() || found->is_null() ? nullptr : &*found;
}

Result<const Json*> ObjectMember(const Json* object, std::string_view name,
                                 std::string_view object_name) {
  if (object != nullptr && !object->is_object() && !object->is_null()) {
    return WrongType(object_name, "an object", *object);
  }
  return FindMember(object, name);
}

Result<std::string_view> StringValue(const Json& value, std::string_view what) {
  if (value.is_null()) return std::string_view();
  if (value.is_string()) return std::string_view(value.get_ref<const std::string&>());
  return WrongType(what, "a string", value);
}

Result<std::string> StringMember(const Json& object, std::string_view name,
                                 std::string_view where) {
  auto member = ObjectMember(&object, name, where);
  if (!member) return Fail(std::move(member.error()));
  if (*member == nullptr) return std::string();
  auto text = StringValue(**member, std::string(where) + "." + std::string(name));
  if (!text) return Fail(std::move(text.error()));
  return std::string(*text);
}

std::optional<std::string> ScalarText(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get_ref<const std::string&>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return NumberText(value);
}

std::string ScalarMember(const Json* object, std::string_view name) {
  const Json* const member = FindMember(object, name);
  return member == nullptr ? std::string() : ScalarText(*member).value_or("");
}

std::string_view JsonTypeName(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "a boolean";
  if (value.is_null()) return "null";
  return "a number";
}

}  // namespace downwardfs
