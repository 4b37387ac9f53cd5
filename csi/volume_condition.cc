// SPDX-License-Identifier: Apache-2.0
#include "csi/volume_condition.h"

namespace downwardfs {

const char* StateName(VolumeCondition::State state) {
  using State = VolumeCondition::State;
  switch (state) {
    case State::kCurrent:
      return "current";
    case State::kNotFollowed:
      return "not_followed";
    case State::kFailing:
      return "failing";
    case State::kStale:
      return "stale";
    case State::kStuck:
      return "stuck";
    case State::kDetached:
      return "detached";
    case State::kDead:
      return "dead";
    case State::kEnded:
      break;
  }
  return "ended";
}

}  // namespace downwardfs
