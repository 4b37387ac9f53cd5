// SPDX-License-Identifier: Apache-2.0
// A layout that records all it does in a handover memory, and all that can be asked of it as text:
// a successor that reads the records must answer the same.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "fs/volume/handover_log.h"
#include "fs/volume/volume_layout.h"

namespace downwardfs {

template <class Layout>
class RecordedLayoutTest : public ::testing::Test {
 protected:
  RecordedLayoutTest() { EXPECT_TRUE(nodes_.UseLog(std::make_unique<HandoverLog>(memory_))); }

  std::optional<Entry> Make(const TreeChange& change) {
    nodes_.Arm(change);
    auto attr = nodes_.Apply(change);
    nodes_.Arm({});
    return attr;
  }
  /// Of each inode.
  static std::string DescribeInodes(Layout& nodes) {
    std::string all;
    for (InodeId id = 1; id < 2000; ++id) {
      const auto attr = nodes.Attr(id);
      if (!attr) continue;
      all += std::to_string(id) + " mode " + std::to_string(attr->mode) + " links " +
             std::to_string(attr->links) + " size " + std::to_string(attr->size) + " time " +
             std::to_string(attr->time.time_since_epoch().count());
      if (const auto target = nodes.ReadLink(id)) all += " -> " + *target;
      if (const auto file = nodes.File(id)) all += " = " + file->content() + file->entry->source;
      if (const auto list = nodes.List(id, 0, true)) {
        for (const auto& entry : *list) all += " " + entry.name + ":" + std::to_string(entry.id);
      }
      all += "\n";
    }
    return all;
  }
  std::unique_ptr<Layout> Successor() {
    auto next = std::make_unique<Layout>(Ownership{}, VolumeLayout::WallTime());
    const auto loaded = next->UseLog(std::make_unique<HandoverLog>(memory_));
    EXPECT_TRUE(loaded) << loaded.error().message;
    return next;
  }

  const OwnedFd fd_ = *HandoverMemory::Create();
  const HandoverMemory memory_ = *HandoverMemory::Map(fd_.get());
  Layout nodes_{Ownership{}, std::chrono::system_clock::now()};
};

}  // namespace downwardfs
