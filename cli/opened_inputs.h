// SPDX-License-Identifier: Apache-2.0
// The daemon's side of its openers (mount-helper/input_opener.h). Main thread, before any other
// exists.
#pragma once

namespace downwardfs {

/// From now on the process opens its inputs through the openers that the holder has started for
/// them, if there are any.
void UseInputOpeners();

}  // namespace downwardfs
