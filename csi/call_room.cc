// SPDX-License-Identifier: Apache-2.0
#include "csi/call_room.h"

#include <string>
#include <utility>

namespace downwardfs {

CallRoom::Seat::Seat(Seat&& other) noexcept
    : room_(std::exchange(other.room_, nullptr)), bytes_(other.bytes_) {}

CallRoom::Seat::~Seat() {
  if (room_ != nullptr) room_->Leave(bytes_);
}

Result<CallRoom::Seat> CallRoom::Enter(std::size_t bytes) {
  MutexLock lock(mutex_);
  if (calls_ >= limits_.calls) {
    return Fail(ErrorCode::kResourceExhausted,
                std::to_string(calls_) +
                    " publishes are under way on this node, the most that there may be; try again");
  }
  if (bytes > limits_.bytes || bytes_ > limits_.bytes - bytes) {
    return Fail(ErrorCode::kResourceExhausted,
                "the attributes of the publishes that are under way on this node would have more "
                "than " +
                    std::to_string(limits_.bytes) + " bytes together; try again");
  }
  ++calls_;
  bytes_ += bytes;
  return Seat(*this, bytes);
}

void CallRoom::Leave(std::size_t bytes) {
  MutexLock lock(mutex_);
  --calls_;
  bytes_ -= bytes;
}

}  // namespace downwardfs
