// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/version_life.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

using Life = VersionLife;
using Event = LifeEvent;

TEST(VersionLifeTest, EachEventLeadsToOneLife) {
  struct Case {
    Life life;
    Life made, orphaned, aliased, unnamed;
  };
  for (const Case& c : {
           Case{Life::kStaged, Life::kNamed, Life::kStaged, Life::kStaged, Life::kExpired},
           Case{Life::kNamed, Life::kNamed, Life::kOrphaned, Life::kNamed, Life::kExpired},
           Case{Life::kOrphaned, Life::kOrphaned, Life::kOrphaned, Life::kAliased, Life::kRemoved},
           Case{Life::kAliased, Life::kAliased, Life::kAliased, Life::kAliased, Life::kRemoved},
           Case{Life::kExpired, Life::kNamed, Life::kRemoved, Life::kExpired, Life::kExpired},
           Case{Life::kRemoved, Life::kRemoved, Life::kRemoved, Life::kRemoved, Life::kRemoved},
       }) {
    const int life = static_cast<int>(c.life);
    EXPECT_EQ(After(c.life, Event::kMake), c.made) << life;
    EXPECT_EQ(After(c.life, Event::kOrphan), c.orphaned) << life;
    EXPECT_EQ(After(c.life, Event::kAlias), c.aliased) << life;
    EXPECT_EQ(After(c.life, Event::kUnname), c.unnamed) << life;
  }
}

// Another build has written them, or will read them.
TEST(VersionLifeTest, ARecordHoldsTheBitsThatDocsHandoverNames) {
  EXPECT_EQ(LifeToBits(Life::kStaged), 0u);
  EXPECT_EQ(LifeToBits(Life::kNamed), 1u);
  EXPECT_EQ(LifeToBits(Life::kOrphaned), 1u | 2u);
  EXPECT_EQ(LifeToBits(Life::kAliased), 1u | 2u | 4u);
  EXPECT_EQ(LifeToBits(Life::kRemoved), 2u);
  for (const Life life :
       {Life::kNamed, Life::kOrphaned, Life::kAliased, Life::kExpired, Life::kRemoved}) {
    EXPECT_EQ(LifeFromBits(LifeToBits(life)), life);
  }
  EXPECT_EQ(LifeFromBits(2 | 4), Life::kRemoved);  // removed while its alias was shown
  EXPECT_EQ(LifeFromBits(1 | 64), Life::kNamed);   // bits of a later build
}

}  // namespace
}  // namespace downwardfs
