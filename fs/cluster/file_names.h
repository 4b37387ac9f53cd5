// SPDX-License-Identifier: Apache-2.0
//
// An object's name, a label's key or a label's value as one file name of the cluster
// tree, and the way back. `/` is %2F, `%` is %25, the names "." and ".." are %2E and %2E., and the
// empty text (a label without a value) is a `%` alone, which nothing else can be. Pure functions;
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace downwardfs {

/// `text` as a file name. A name that is still longer than file names may be (255 bytes: only a
/// label key with a prefix of 190 bytes, or a long name beside a long namespace) is cut and ends in
/// `%~` and 16 digits made of the whole: unique, but no longer reversible.
std::string ToFileName(std::string_view text);

/// The text that ToFileName() made `name` of; nothing where it made no such name.
std::optional<std::string> FromFileName(std::string_view name);

/// A pod in a directory of links, NAMESPACE_NAME, made of two file names. A namespace has no `_`,
/// so the first one parts them. Cut like ToFileName()'s where it is too long.
std::string LinkName(std::string_view ns, std::string_view pod);

/// 64 bits of `text`, the same in every process of this build.
std::uint64_t HashOf(std::string_view text);
/// Two hashes as one.
std::uint64_t Mix(std::uint64_t a, std::uint64_t b);

}  // namespace downwardfs
