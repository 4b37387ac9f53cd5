// SPDX-License-Identifier: Apache-2.0
//
// `fileKeyRef` (EnvFiles, on by default since 1.35): a variable out of a file in an emptyDir volume
// of the pod. The file's syntax is that of the beta (pkg/kubelet/util/env). Pure functions; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "fs/projection/document.h"

namespace downwardfs {

struct FileKeyRef {
  std::string volume;
  std::string path;  ///< of a file, from the volume's root; has no element ".."
  std::string key;
  bool optional = false;
};

/// Decodes `valueFrom.fileKeyRef` and checks it as the API server does (validateFileKeySelector).
Result<FileKeyRef> DecodeFileKeyRef(const Json& ref);

/// kInvalidArgument unless `pod` has the volume, and it is an emptyDir.
Status CheckVolumeOf(const FileKeyRef& ref, const Json& pod);

/// The value of `key` in such a file, whose lines are `KEY='value'`. A value has no escapes and may
/// have several lines; a comment may follow it. Blank lines and comments are skipped, white space
/// before a key too. `KEY= 'x'` is empty, as in a shell. kNotFound: no such key before the end, or
/// it is empty (the kubelet cannot tell these two apart). kInvalidArgument names the line that
/// breaks the syntax; lines behind the key are not judged.
Result<std::string> ValueInEnvFile(std::string_view bytes, std::string_view key);

}  // namespace downwardfs
