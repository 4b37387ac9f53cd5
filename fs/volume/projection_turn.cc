// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/projection_turn.h"

#include "base/mutex.h"

namespace downwardfs {
namespace {

struct Turns {
  Mutex mutex;  // a leaf
  CondVar freed;
  int taken GUARDED_BY(mutex) = 0;
};

Turns& TheTurns() {
  static Turns turns;
  return turns;
}

}  // namespace

ProjectionTurn::ProjectionTurn() {
  Turns& turns = TheTurns();
  MutexLock lock(turns.mutex);
  while (turns.taken >= kMostAtOnce) turns.freed.Wait(turns.mutex);
  ++turns.taken;
}

ProjectionTurn::~ProjectionTurn() {
  Turns& turns = TheTurns();
  {
    MutexLock lock(turns.mutex);
    --turns.taken;
  }
  turns.freed.NotifyAll();
}

}  // namespace downwardfs
