// SPDX-License-Identifier: Apache-2.0
#include "csi/content_budget.h"

#include <utility>

namespace downwardfs {
namespace {

tl::unexpected<Error> TooMuch(const std::string& whose, std::size_t most, const std::string& what) {
  return Fail(ErrorCode::kResourceExhausted,
              whose + " would show more than " + std::to_string(most) +
                  " bytes together (each file "
                  "counts " +
                  std::to_string(ContentBudget::kPerFile) + " more): " + what);
}

}  // namespace

Status ContentBudget::Share::Resize(std::size_t bytes, std::size_t files) {
  const std::size_t weight = Weight(bytes, files);
  if (auto done = budget_.Change(pod_, weight_, weight, /*force=*/false); !done) return done;
  weight_ = weight;
  return {};
}

void ContentBudget::Share::Set(std::size_t weight) {
  static_cast<void>(budget_.Change(pod_, weight_, weight, /*force=*/true));
  weight_ = weight;
}

Status ContentBudget::Change(const std::string& pod, std::size_t from, std::size_t to, bool force) {
  MutexLock lock(mutex_);
  const auto known = pods_.find(pod);
  const std::size_t of_pod = (known == pods_.end() ? 0 : known->second) - from + to;
  const std::size_t of_node = node_ - Shared(from) + Shared(to);
  if (!force && to > from) {
    if (of_pod > limits_.pod) {
      return TooMuch("the volumes of the pod", limits_.pod, "give it fewer or smaller items");
    }
    if (Shared(to) > Shared(from) && of_node > limits_.node) {
      return TooMuch("the volumes of this node", limits_.node,
                     "fewer or smaller items here or in other pods of the node make room");
    }
  }
  node_ = of_node;
  if (of_pod == 0) {
    pods_.erase(pod);
  } else {
    pods_[pod] = of_pod;
  }
  return {};
}

std::size_t ContentBudget::used() const {
  MutexLock lock(mutex_);
  return node_;
}

}  // namespace downwardfs
