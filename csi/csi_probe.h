// SPDX-License-Identifier: Apache-2.0
// `downwardfs csi --probe`: the client's side. Main thread.
#pragma once

#include <string>

#include "base/result.h"

namespace downwardfs {

/// The message of Probe has no room for the reason. Binary, since names may be anything.
inline constexpr char kTroubleKey[] = "downwardfs-trouble-bin";

/// Asks the plugin at the socket how it is. Done where it is ready, with `live` where it answers;
/// the error says what is wrong.
Status ProbePlugin(const std::string& socket, bool live);

}  // namespace downwardfs
