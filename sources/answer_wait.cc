// SPDX-License-Identifier: Apache-2.0
#include "sources/answer_wait.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "sources/server_access.h"

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A caller that waits for so long without an answer is told for what.
constexpr std::chrono::seconds kFirstWord{2};

}  // namespace

Result<AnswerWait> AnswerWait::Begin(std::string server, std::optional<milliseconds> limit,
                                     int stop_fd) {
  OwnedFd changed(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!changed) return Fail(ErrnoError(errno, "eventfd"));
  OwnedFd stop(stop_fd < 0 ? -1 : fcntl(stop_fd, F_DUPFD_CLOEXEC, 0));
  if (!stop && stop_fd >= 0) return Fail(ErrnoError(errno, "dup"));
  const bool limited = limit && limit->count() > 0;
  return AnswerWait(std::move(server), limited ? steady_clock::now() + *limit : Time::max(),
                    std::move(changed), std::move(stop));
}

void AnswerWait::Wake() const {
  eventfd_write(changed_.get(), 1);  // a full counter wakes as well
}

AnswerWait::Time AnswerWait::FirstWord() const {
  return said_.empty() ? since_ + kFirstWord : Time::max();
}

std::string AnswerWait::Say(std::string reason) {
  if (reason.empty() && steady_clock::now() >= FirstWord()) reason = Last() + " yet";
  if (reason.empty() || reason == said_) return "";
  SayWaiting(reason);
  return said_ = std::move(reason);
}

Status AnswerWait::Next(Time look_again) const {
  if (steady_clock::now() >= deadline_) {
    return Fail(ErrorCode::kDeadlineExceeded, "gave up after --wait: " + Last());
  }
  return NextUntil(std::min({look_again, deadline_, FirstWord()}));
}

Status AnswerWait::NextUntil(Time until) const {
  int timeout = -1;
  if (until != Time::max()) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count() + 1, 0, 3'600'000));
  }
  pollfd fds[] = {{changed_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  if (poll(fds, 2, timeout) < 0 && errno != EINTR) return Fail(ErrnoError(errno, "poll"));
  if ((fds[1].revents & POLLIN) != 0) {
    return Fail(ErrorCode::kCancelled, "stopped by a signal while waiting: " + Last());
  }
  eventfd_t drained = 0;
  eventfd_read(changed_.get(), &drained);
  return {};
}

bool AnswerWait::IsStopped(milliseconds within) const {
  pollfd stop = {stop_.get(), POLLIN, 0};
  return poll(&stop, 1, static_cast<int>(within.count())) > 0;
}

}  // namespace downwardfs
