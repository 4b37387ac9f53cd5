// SPDX-License-Identifier: Apache-2.0
//
// The state that a holder hands over to the program that takes its place by exec(2): the process,
// its children and the descriptors that are named here stay; the rest travels as text on the
// command line (--resume). Pure functions; any thread.
//
// The text: a format number, the other numbers in the order of VisitNumbers(), each followed by a
// comma, then file_system. A program refuses another format, so a field can be added only with a
// new format number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "mount-helper/holder_protocol.h"

namespace downwardfs {

struct HolderState {
  // Descriptors; 0: absent, since descriptor 0 is never one of these.
  int memory = 0;
  int channel = 0;  ///< to the daemon
  int device = 0;
  int view = 0;
  int publisher_control = 0;
  pid_t publisher = 0;  ///< 0: it does not run
  pid_t daemon = 0;     ///< 0: it does not run
  int mount_id = -1;
  bool mounted = false;
  DaemonFigures figures;
  std::string file_system;
};

std::string EncodeHolderState(const HolderState& state);
/// kInvalidArgument if the text is of another format.
Result<HolderState> ParseHolderState(const std::string& text);

}  // namespace downwardfs
