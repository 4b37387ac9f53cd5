// SPDX-License-Identifier: Apache-2.0
// The one spelling of each log field. Add a key here before it is used in a second file.
#pragma once

namespace downwardfs::log_keys {

inline constexpr char kError[] = "error";
inline constexpr char kFile[] = "file";
inline constexpr char kItem[] = "item";
inline constexpr char kMountPoint[] = "mountPoint";
inline constexpr char kNamespace[] = "namespace";
inline constexpr char kNode[] = "node";
inline constexpr char kPod[] = "pod";
inline constexpr char kResource[] = "resource";
inline constexpr char kServer[] = "server";
inline constexpr char kSignal[] = "signal";
inline constexpr char kSource[] = "source";
inline constexpr char kTaint[] = "taint";
inline constexpr char kUid[] = "uid";
inline constexpr char kVersion[] = "version";
inline constexpr char kVolume[] = "volume";

}  // namespace downwardfs::log_keys
