// SPDX-License-Identifier: Apache-2.0
//
// How a command that stays waits for a server: until something has changed, until --wait has passed
// or until it is to stop; and it tells the person at standard error what it waits for.
//
// A source owns it. Any thread may call Wake(); the other methods are for one thread at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/owned_fd.h"
#include "base/result.h"

namespace downwardfs {

class AnswerWait {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The time begins now. `server`: for messages. `limit`: of --wait; nothing: for ever; zero: the
  /// caller takes the first answer. `stop_fd`: readable once it is to stop (a signalfd), -1: never;
  /// the caller may close it.
  static Result<AnswerWait> Begin(std::string server,
                                  std::optional<std::chrono::milliseconds> limit, int stop_fd);

  /// Something has changed: whoever waits looks again.
  void Wake() const;

  /// Says what is waited for, unless that was said last; with no `reason`, that there is no answer
  /// yet, if nothing else was said for two seconds. Returns what it says, or "".
  std::string Say(std::string reason);

  /// Waits for Wake(), at most until `look_again` or until Say() has something to say.
  /// kDeadlineExceeded once --wait has passed, kCancelled if it is to stop.
  Status Next(Time look_again = Time::max()) const;
  /// Waits for Wake(), at most until `until`. kCancelled if it is to stop.
  Status NextUntil(Time until) const;
  /// Whether it is to stop, within that time.
  bool IsStopped(std::chrono::milliseconds within = {}) const;

  /// When --wait has passed.
  Time deadline() const { return deadline_; }

 private:
  AnswerWait(std::string server, Time deadline, OwnedFd changed, OwnedFd stop)
      : server_(std::move(server)),
        deadline_(deadline),
        changed_(std::move(changed)),
        stop_(std::move(stop)) {}
  std::string Last() const { return said_.empty() ? "no answer from " + server_ : said_; }
  Time FirstWord() const;

  std::string server_;
  Time since_ = std::chrono::steady_clock::now();
  Time deadline_;
  OwnedFd changed_;  // an eventfd
  OwnedFd stop_;
  std::string said_;
};

}  // namespace downwardfs
