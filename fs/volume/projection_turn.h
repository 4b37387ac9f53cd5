// SPDX-License-Identifier: Apache-2.0
//
// A turn to parse and project: at most kMostAtOnce threads of the process do so at a time. While a
// pod is looked at it is there parsed, which takes ten to thirty times its JSON, and so are the
// files; a node plugin that is asked for hundreds of volumes at once would hold hundreds of each.
// A thread that has a turn only computes: it waits for nobody. Any thread; a thread takes one turn
// at a time.
#pragma once

namespace downwardfs {

class ProjectionTurn {
 public:
  static constexpr int kMostAtOnce = 4;  // as many as there are serving threads

  /// Waits for it.
  ProjectionTurn();
  ~ProjectionTurn();
  ProjectionTurn(const ProjectionTurn&) = delete;
  ProjectionTurn& operator=(const ProjectionTurn&) = delete;
};

}  // namespace downwardfs
