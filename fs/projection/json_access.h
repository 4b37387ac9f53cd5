// SPDX-License-Identifier: Apache-2.0
//
// Reading members of an API object. In the API, null is the same as absent, a string is nothing but
// a JSON string, and a member of another type than its own is an error. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "fs/projection/document.h"

namespace downwardfs {

/// The member `name` of `object`; null where `object` is null or no object, and where the member is
/// absent or JSON's null.
const Json* FindMember(const Json* object, std::string_view name);

/// The same, but kInvalidArgument if `object` is there and is no object. `object_name` is for the
/// message.
Result<const Json*> ObjectMember(const Json* object, std::string_view name,
                                 std::string_view object_name);

/// The string that `value` is; empty for null. kInvalidArgument "`what` must be a string".
Result<std::string_view> StringValue(const Json& value, std::string_view what);

/// The string member `name`; empty where it is absent. `where` is for the message: "`where`.name".
Result<std::string> StringMember(const Json& object, std::string_view name, std::string_view where);

/// The text of a scalar: strings as they are, numbers as they were written, true and false; null is
/// empty. Nothing for an object or a list.
std::optional<std::string> ScalarText(const Json& value);

/// ScalarText of a member; empty if the member is missing or no scalar.
std::string ScalarMember(const Json* object, std::string_view name);

/// "an object", "a list", "a string" ... for messages.
std::string_view JsonTypeName(const Json& value);

}  // namespace downwardfs
