// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/version_life.h"

namespace downwardfs {
namespace {

constexpr std::uint64_t kNameResolves = 1;
constexpr std::uint64_t kIsOrphaned = 2;
constexpr std::uint64_t kByAlias = 4;

}  // namespace

VersionLife After(VersionLife life, LifeEvent event) {
  using Life = VersionLife;
  switch (event) {
    case LifeEvent::kMake:
      return life == Life::kStaged || life == Life::kExpired ? Life::kNamed : life;
    case LifeEvent::kOrphan:
      if (life == Life::kNamed) return Life::kOrphaned;
      return life == Life::kExpired ? Life::kRemoved : life;
    case LifeEvent::kAlias:
      return life == Life::kOrphaned ? Life::kAliased : life;
    case LifeEvent::kUnname:
      if (life == Life::kStaged || life == Life::kNamed) return Life::kExpired;
      return HasName(life) ? Life::kRemoved : life;
  }
  return life;
}

std::uint64_t LifeToBits(VersionLife life) {
  return (HasName(life) ? kNameResolves : 0) | (HasNoLink(life) ? kIsOrphaned : 0) |
         (life == VersionLife::kAliased ? kByAlias : 0);
}

VersionLife LifeFromBits(std::uint64_t bits) {
  const bool orphaned = (bits & kIsOrphaned) != 0;
  if ((bits & kNameResolves) == 0) return orphaned ? VersionLife::kRemoved : VersionLife::kExpired;
  if ((bits & kByAlias) != 0) return VersionLife::kAliased;
  return orphaned ? VersionLife::kOrphaned : VersionLife::kNamed;
}

}  // namespace downwardfs
