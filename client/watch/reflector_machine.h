// SPDX-License-Identifier: Apache-2.0
//
// The next step of a reflector, as a pure state machine: it is told what happened and when, and
// says what to ask the server for. No I/O, no thread, no clock of its own, so that a day of
// failures is tested in milliseconds. Owned by one ReflectorSession; one thread at a time.
//
// Rules: Kubernetes API concepts ("Efficient detection of changes", "Streaming lists") and the
// behaviour of client-go's Reflector:
// - The first list takes what the server has at hand (resourceVersion=0). A relist asks for nothing
//   older than what we have seen; after 410, or when the server cannot know that version (it was
//   restored from a backup), for its most recent state, whatever that is.
// - A watch continues from the last version seen, also after a fault: a broken connection, bytes
//   that cannot be read, an object that is too large. Such a fault says nothing about the version.
//   If it comes again where the last one was, the version itself may be the reason: a list follows.
// - 410, in a status or in an ERROR event, means relist.
// - A server that has gone back (restored from a backup) sends nothing to a watch from a version
//   that it has not reached: no event, no bookmark. client-go would wait until it gets there, and
//   miss what came before. So a watch that brought nothing is followed by a list where that may be
//   the reason: after silence in spite of bookmarks, and after a connection that broke. A version
//   older than where the stream started, which other servers may send, means the same.
// - A streaming list that is refused is followed by a list at once, whatever the refusal: 403, 404,
//   500, 501, 503, an ERROR event. Only 429 and a server out of reach mean another streaming list.
// - Pages of a list belong together. If a page's token has expired, the list is asked for as a
//   whole, without a limit, as client-go's pager does.
// - Limits are never shorter than the time that was asked for: proxies hold back a watch, head and
//   all, until it ends. A watch that brings nothing and fails is followed by a list, at most once
//   in longest_blind.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "client/api/api_failure.h"
#include "client/wire/splitter.h"

namespace downwardfs::client {

/// How a reflector paces itself. Tests shorten these.
struct ReflectorTiming {
  std::chrono::milliseconds first_delay{800};
  std::chrono::milliseconds longest_delay{30'000};
  /// A server's Retry-After is honoured up to here.
  std::chrono::milliseconds longest_retry_after{300'000};
  /// A watch that ran so long without failure makes the next failure the first one again.
  std::chrono::milliseconds good_after{120'000};
  std::chrono::seconds shortest_watch{300};
  std::chrono::seconds longest_watch{600};
  /// The time that a server may take beyond the timeoutSeconds that it was given.
  std::chrono::seconds watch_grace{30};
  /// Silence that means a dead peer: bookmarks come about once a minute (once one has come).
  std::chrono::milliseconds silence_with_bookmarks{150'000};
  /// Without one, silence means nothing: a watch is then so short that its end tells instead.
  std::chrono::seconds watch_without_bookmarks{60};
  /// If a proxy holds watches back until they end, a change may stay unseen so long.
  std::chrono::seconds watch_held_back{20};
  /// Watches that fail, with no news, are tried for so long; then a list shows what is new.
  std::chrono::milliseconds longest_blind{30'000};
  /// A streaming list that does not begin, or does not end its initial events, in so long is not
  /// one.
  std::chrono::milliseconds streaming_silence{10'000};
  std::chrono::milliseconds list_idle{60'000};
};

/// The decision logic.
class ReflectorMachine {
 public:
  enum class Action { kWait, kList, kWatch };

  /// The thing to do now.
  struct Step {
    Action action = Action::kWait;
    Clock::SteadyTime until{};    ///< kWait
    QueryParameters parameters;   ///< kList, kWatch; the caller adds its selectors
    bool first_page = false;      ///< kList: a new list begins
    bool initial_events = false;  ///< kWatch: it is a list as well
    std::chrono::milliseconds head_limit{0};
    std::chrono::milliseconds idle_limit{0};
    std::chrono::milliseconds total_limit{0};
  };

  /// The fate of an event.
  enum class Verdict {
    kApply,         ///< put or remove the object
    kNothing,       ///< a bookmark
    kListComplete,  ///< a bookmark: the initial events are complete
    kStop,          ///< end this watch; the next step knows more
  };

  /// `random` gives numbers in [0, 1). `streaming_lists`: try them.
  ReflectorMachine(ReflectorTiming timing, bool streaming_lists, std::function<double()> random);

  Step Next(Clock::SteadyTime now);

  /// A page came in. True if the list is complete with it.
  bool OnPage(const ListMeta& meta, Clock::SteadyTime now);
  void OnListFailed(const ApiFailure& failure, Clock::SteadyTime now);

  void OnWatchStarted(Clock::SteadyTime now);
  /// Not for ERROR events. `version`: the object's.
  Verdict OnEvent(EventType type, std::string_view version, bool initial_events_end);
  /// An ERROR event came; its failure ends the watch. Returns as OnWatchFailed().
  bool OnErrorEvent(const ApiFailure& failure, Clock::SteadyTime now);
  /// The server ended the watch.
  void OnWatchEnded(Clock::SteadyTime now);
  /// False if that is no failure to tell of: a streaming list is refused and a list follows at
  /// once, or silence has ended a streaming list that was complete.
  bool OnWatchFailed(const ApiFailure& failure, Clock::SteadyTime now);
  /// OnEvent() said kStop and the watch is over.
  void OnWatchStopped(Clock::SteadyTime now);

  /// The server is known to answer: no back-off is waited for, unless the server itself asked.
  void Hurry();

  const std::string& resource_version() const { return version_; }

 private:
  enum class Streaming { kNever, kUntried, kWorks };

  Step ListStep();
  Step WatchStep(Clock::SteadyTime now);
  bool OnStreamingListFailed(const ApiFailure& failure, Clock::SteadyTime now);
  bool ListIsDue(std::chrono::milliseconds longest_blind, const ApiFailure& failure,
                 Clock::SteadyTime now);
  void BackOff(const ApiFailure& failure, Clock::SteadyTime now);
  void Relist(std::string from);
  void Listed(std::string_view version);
  void RelistOnce(std::string from, const ApiFailure& failure, Clock::SteadyTime now);
  /// From the request on: a proxy may hold back the head until the watch ends.
  bool RanFor(std::chrono::milliseconds time, Clock::SteadyTime now) const {
    return started_ && now - asked_at_ >= time;
  }

  const ReflectorTiming timing_;
  const std::function<double()> random_;

  /// The resourceVersion to list from: "0", a version (nothing older than it), or "" (most recent).
  std::string list_from_ = "0";
  std::string continue_;
  std::string version_;  ///< the next watch starts here
  /// The version before the last answer that could not be read; nothing if a list came since.
  std::optional<std::string> unread_at_;
  int failed_pages_ = 0;    ///< later pages than the first, since the last complete list
  int broken_streams_ = 0;  ///< streaming lists that broke, since the last complete list
  Streaming streaming_;
  bool list_needed_ = true;
  bool list_instead_ = false;  ///< the streaming list was refused: list this time
  bool whole_list_ = false;    ///< a page was refused: list without a limit

  // The watch under way.
  bool in_initial_events_ = false;
  Clock::SteadyTime asked_at_{};
  std::chrono::seconds asked_{0};  ///< its timeoutSeconds
  std::string start_version_;
  /// Since when watches fail and bring nothing.
  std::optional<Clock::SteadyTime> blind_since_;
  /// How long this server lets watches run, where that is less than we ask for.
  std::optional<std::chrono::seconds> usual_;
  int events_ = 0;
  bool was_list_ = false;  ///< it began with initial events
  bool started_ = false;
  bool bookmarks_ = false;  ///< this server sends them
  bool held_back_ = false;  ///< its head came late
  /// The last watch did not last as long as it was to: another server may answer the next one, with
  /// another history. Until something that fits ours has come.
  bool suspect_ = false;

  bool asked_to_wait_ = false;
  int failures_ = 0;
  int expirations_ = 0;  ///< 410s since the last watch that ran for a while
  Clock::SteadyTime not_before_{};
};

}  // namespace downwardfs::client
