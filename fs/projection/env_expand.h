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
/// `$(` and a final `$` stay. What a variable brings in is not expanded again. A quirk that is
/// kept: the kubelet takes the byte after a lone `$` for a code point, so one above 0x7f comes out
/// as the two bytes of U+0080..U+00FF.
std::string ExpandEnv(std::string_view text, const EnvMap& variables);

}  // namespace downwardfs
