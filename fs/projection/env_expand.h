// SPDX-License-Identifier: Apache-2.0
//
// $(VAR) in the values of a container's env, as Kubernetes' third_party/forked/golang/expansion
// expands it. Any thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace downwardfs {

/// Variables that are known so far.
using EnvMap = std::map<std::string, std::string, std::less<>>;

/// `text` with each `$(NAME)` replaced by that variable; one that is not known stays as written.
/// `$$` is one `$`, so `$$(NAME)` is the text `$(NAME)`; a `$` before anything else, an unclosed
/// `$(` and a final `$` stay. The value of a variable is not expanded again. A variable
/// that is in both maps is taken from `variables`.
std::string ExpandEnv(std::string_view text, const EnvMap& variables, const EnvMap& more = {});

}  // namespace downwardfs
