// SPDX-License-Identifier: Apache-2.0
#include "client/watch/reflector_machine.h"

#include <algorithm>
#include <utility>

#include "client/store/resource_version.h"

namespace downwardfs::client {
namespace {

constexpr char kPageSize[] = "500";
// A watch that ran so long was no answer to the last 410: an object that never changes has no
// events.
constexpr std::chrono::seconds kSettled{5};
// A watch that ends so soon was ended on purpose.
constexpr std::chrono::seconds kAtOnce{1};
// How much earlier than asked a server may end a watch that is in order.
constexpr std::chrono::seconds kEarly{5};
// A server that accepts a watch says so at once; a proxy before it may not.
constexpr std::chrono::seconds kLateHead{5};
// A page, or a streaming list, that failed so often in a row is not asked for in the same way
// again.
constexpr int kTwice = 2;

bool IsExpired(const ApiFailure& failure) {
  return failure.status == 410 || failure.reason == "Expired" || failure.reason == "Gone";
}

// Refused for what it asks, not for who asks or how often: 400, 405, 422 and the like.
bool IsNotUnderstood(const ApiFailure& failure) {
  switch (failure.status) {
    case 401:
    case 403:
    case 404:
    case 408:
    case 409:
    case 410:
    case 429:
      return false;
    default:
      return failure.status >= 400 && failure.status < 500;
  }
}

}  // namespace

ReflectorMachine::ReflectorMachine(ReflectorTiming timing, bool streaming_lists,
                                   std::function<double()> random)
    : timing_(timing),
      random_(std::move(random)),
      streaming_(streaming_lists ? Streaming::kUntried : Streaming::kNever) {}

ReflectorMachine::Step ReflectorMachine::Next(Clock::SteadyTime now) {
  if (now < not_before_) {
    Step step;
    step.until = not_before_;
    return step;
  }
  if (!list_needed_) return WatchStep(now);
  const bool list = !continue_.empty() || whole_list_ || list_instead_;
  return list || streaming_ == Streaming::kNever ? ListStep() : WatchStep(now);
}

ReflectorMachine::Step ReflectorMachine::ListStep() {
  Step step;
  step.action = Action::kList;
  step.idle_limit = timing_.list_idle;
  step.first_page = continue_.empty();
  if (!continue_.empty()) {
    // The token carries the version; the server refuses to be told both.
    step.parameters = {{"limit", kPageSize}, {"continue", continue_}};
  } else if (list_from_.empty() || list_from_ == "0") {
    if (!whole_list_) step.parameters.emplace_back("limit", kPageSize);
    if (!list_from_.empty()) step.parameters.emplace_back("resourceVersion", list_from_);
  } else {
    // No limit: with one, servers before 1.19 (which do not know the match) would list exactly that
    // version, from etcd and not from their cache. The body is split as it comes in either way.
    step.parameters = {{"resourceVersion", list_from_}, {"resourceVersionMatch", "NotOlderThan"}};
  }
  return step;
}

ReflectorMachine::Step ReflectorMachine::WatchStep(Clock::SteadyTime now) {
  Step step;
  step.action = Action::kWatch;
  in_initial_events_ = was_list_ = step.initial_events = list_needed_;
  started_ = false;
  asked_at_ = now;
  events_ = 0;
  const auto span = timing_.longest_watch - timing_.shortest_watch;
  asked_ = timing_.shortest_watch + std::chrono::seconds(static_cast<std::int64_t>(
                                        random_() * static_cast<double>(span.count())));
  if (in_initial_events_) {
    // As client-go: the most recent state at first; a cache that lags is not asked to stream it.
    const std::string from = list_from_ == "0" ? "" : list_from_;
    start_version_.clear();
    step.parameters = {{"sendInitialEvents", "true"}, {"resourceVersionMatch", "NotOlderThan"}};
    if (!from.empty()) step.parameters.emplace_back("resourceVersion", from);
    step.head_limit = step.idle_limit = timing_.streaming_silence;
  } else {
    start_version_ = version_;
    step.parameters = {{"resourceVersion", version_}};
    if (bookmarks_) {
      step.idle_limit = timing_.silence_with_bookmarks;
    } else {
      asked_ = std::min(asked_, timing_.watch_without_bookmarks);
    }
    if (held_back_) asked_ = std::min(asked_, timing_.watch_held_back);
  }
  step.parameters.emplace_back("allowWatchBookmarks", "true");
  step.parameters.emplace_back("timeoutSeconds", std::to_string(asked_.count()));
  step.total_limit = asked_ + timing_.watch_grace;
  if (!in_initial_events_) step.head_limit = step.total_limit;
  return step;
}

void ReflectorMachine::Relist(std::string from) {
  list_needed_ = true;
  list_from_ = std::move(from);
  continue_.clear();
  unread_at_.reset();
  list_instead_ = whole_list_ = false;
}

// The first 410 after a good time is answered at once; a server that says it again and again is not
// to be hammered with lists.
void ReflectorMachine::RelistOnce(std::string from, const ApiFailure& failure,
                                  Clock::SteadyTime now) {
  Relist(std::move(from));
  if (expirations_++ > 0) BackOff(failure, now);
}

void ReflectorMachine::BackOff(const ApiFailure& failure, Clock::SteadyTime now) {
  if (RanFor(timing_.good_after, now)) failures_ = 0;
  const double factor = static_cast<double>(std::int64_t{1} << std::min(failures_, 20));
  const auto limit = std::min<std::chrono::duration<double, std::milli>>(
      timing_.first_delay * factor, timing_.longest_delay);
  ++failures_;
  // Full jitter: the clients of a server that comes back are spread over the whole interval.
  auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(limit * random_());
  asked_to_wait_ = failure.retry_after.has_value();
  if (failure.retry_after) {
    const auto asked =
        std::min<std::chrono::milliseconds>(*failure.retry_after, timing_.longest_retry_after);
    delay = std::max(delay, asked);
  }
  not_before_ = now + delay;
}

void ReflectorMachine::Hurry() {
  if (!asked_to_wait_) not_before_ = {};
}

bool ReflectorMachine::OnPage(const ListMeta& meta, Clock::SteadyTime) {
  continue_ = meta.continue_token;
  if (!continue_.empty()) return false;
  Listed(meta.resource_version);
  return true;
}

void ReflectorMachine::Listed(std::string_view version) {
  list_needed_ = list_instead_ = whole_list_ = suspect_ = false;
  failed_pages_ = broken_streams_ = 0;
  blind_since_.reset();
  version_ = version;
}

void ReflectorMachine::OnListFailed(const ApiFailure& failure, Clock::SteadyTime now) {
  started_ = false;
  // After any failure the list starts again: the pages of one list belong together.
  const bool later_page = !std::exchange(continue_, {}).empty();
  list_instead_ = false;
  failed_pages_ += later_page ? 1 : 0;
  whole_list_ = later_page && failure.status != 429 &&
                (IsExpired(failure) || IsNotUnderstood(failure) || failed_pages_ >= kTwice);
  if (whole_list_ && IsExpired(failure)) {
    if (expirations_++ > 0) BackOff(failure, now);
    return;
  }
  if (IsExpired(failure) || failure.version_too_large) {
    RelistOnce("", failure, now);
    return;
  }
  if (IsNotUnderstood(failure) && !list_from_.empty()) list_from_.clear();
  BackOff(failure, now);
}

void ReflectorMachine::OnWatchStarted(Clock::SteadyTime now) {
  started_ = true;
  held_back_ = now - asked_at_ >= kLateHead;
}

ReflectorMachine::Verdict ReflectorMachine::OnEvent(EventType type, std::string_view version,
                                                    bool initial_events_end) {
  ++events_;
  blind_since_.reset();
  const bool bookmark = type == EventType::kBookmark;
  // The one that ends a list says nothing of those that come while nothing happens.
  if (bookmark && !initial_events_end) bookmarks_ = true;
  if (in_initial_events_) {
    if (bookmark && initial_events_end) {
      in_initial_events_ = false;
      streaming_ = Streaming::kWorks;
      Listed(version);
      start_version_ = version;
      return Verdict::kListComplete;
    }
    if (type == EventType::kAdded) return Verdict::kApply;
    // Servers before 1.27 take the parameters for a plain watch from anywhere.
    streaming_ = Streaming::kNever;
    return Verdict::kStop;
  }
  if (!version.empty() && IsOlder(version, start_version_)) {
    Relist("");
    return Verdict::kStop;
  }
  suspect_ = false;
  // A late event must not take the next watch back.
  if (!version.empty() && !IsOlder(version, version_)) version_ = version;
  return bookmark ? Verdict::kNothing : Verdict::kApply;
}

// An error within the stream says that what follows is lost, whatever its reason; all but "come
// back later" is answered by a list, as client-go does.
bool ReflectorMachine::OnErrorEvent(const ApiFailure& failure, Clock::SteadyTime now) {
  const bool relist = !in_initial_events_ && failure.status != 429;
  const bool told = OnWatchFailed(failure, now);
  if (relist && !list_needed_) Relist(version_);
  return told;
}

void ReflectorMachine::OnWatchStopped(Clock::SteadyTime now) {
  if (streaming_ == Streaming::kNever && in_initial_events_) return;  // list at once
  if (RanFor(kSettled, now)) expirations_ = 0;
  RelistOnce(list_from_, ApiFailure(), now);
}

void ReflectorMachine::OnWatchEnded(Clock::SteadyTime now) {
  if (in_initial_events_) {
    streaming_ = Streaming::kNever;
    return;
  }
  if (RanFor(kSettled, now)) expirations_ = 0;
  const bool in_time = RanFor(std::min(asked_, usual_.value_or(asked_)) - kEarly, now);
  // A watch that ran as long as it was to is good, too, however short that is.
  if (in_time || RanFor(timing_.good_after, now)) failures_ = 0;
  if (in_time) blind_since_.reset();
  const bool nothing_came = suspect_ && events_ == 0 && RanFor(kSettled, now);
  suspect_ = !in_time;
  if (nothing_came) {
    Relist(version_);
    // If that list has no news, the server (or a proxy before it) ends watches so early.
    if (suspect_) usual_ = std::chrono::floor<std::chrono::seconds>(now - asked_at_);
  } else if (!in_time && ListIsDue(timing_.good_after, ApiFailure(), now)) {
    Relist(version_);
  }
  // A server (or a proxy before it) that ends each watch at once is not asked in a loop, whatever
  // it sent before.
  if (!RanFor(kAtOnce, now)) BackOff(ApiFailure(), now);
}

bool ReflectorMachine::OnWatchFailed(const ApiFailure& failure, Clock::SteadyTime now) {
  if (RanFor(kSettled, now)) expirations_ = 0;
  const bool silent =
      started_ && failure.status == 0 && failure.error.code == ErrorCode::kDeadlineExceeded;
  // The limit was the list's: what follows is a watch with limits of its own.
  if (silent && was_list_ && !in_initial_events_) return false;
  if (failure.status == 0) {
    suspect_ = true;
    usual_.reset();
  }
  if (in_initial_events_) return OnStreamingListFailed(failure, now);
  if (IsExpired(failure) || failure.version_too_large) {
    RelistOnce("", failure, now);
    return true;
  }
  // Bytes that make no sense, or an object that we refuse to hold. The next watch may bring better
  // ones; where it does not, a list may have none of them any more.
  const bool malformed =
      failure.status == 0 && (failure.error.code == ErrorCode::kInvalidArgument ||
                              failure.error.code == ErrorCode::kResourceExhausted);
  const bool same_place = malformed && unread_at_ == version_;
  if (malformed) unread_at_ = version_;
  if (same_place || IsNotUnderstood(failure) || (silent && events_ == 0) ||
      ListIsDue(started_ ? timing_.good_after : timing_.longest_blind, failure, now)) {
    Relist(version_);
  }
  // In a cluster where nothing happens no bookmarks come either: shorter watches, until one does.
  if (silent) bookmarks_ = false;
  BackOff(failure, now);
  return true;
}

// True if the watch that failed brought nothing, like those before it for so long. A server out of
// reach has no list either; a connection that was lost for the first time says nothing of the next.
bool ReflectorMachine::ListIsDue(std::chrono::milliseconds longest_blind, const ApiFailure& failure,
                                 Clock::SteadyTime now) {
  if (events_ > 0 || failure.no_connection) return false;
  const bool first = !blind_since_;
  if (first) blind_since_ = asked_at_;
  return now - *blind_since_ >= longest_blind && !(first && failure.connection_lost);
}

bool ReflectorMachine::OnStreamingListFailed(const ApiFailure& failure, Clock::SteadyTime now) {
  const bool silent = failure.status == 0 && failure.error.code == ErrorCode::kDeadlineExceeded;
  // A watch that begins and says nothing is not a streaming list; a proxy may hold back one that
  // does not begin.
  if (IsNotUnderstood(failure) || (silent && started_ && streaming_ == Streaming::kUntried)) {
    streaming_ = Streaming::kNever;
    return false;
  }
  const bool too_old_or_new = IsExpired(failure) || failure.version_too_large;
  if (too_old_or_new && !list_from_.empty() && list_from_ != "0") {
    RelistOnce("", failure, now);
    return true;
  }
  // A stream that broke has not been refused; a second one may be longer than the way allows.
  const bool broke = failure.status == 0 && !failure.bad_answer && !silent;
  if (failure.status == 429 || failure.no_connection || (broke && ++broken_streams_ < kTwice)) {
    BackOff(failure, now);
    return true;
  }
  list_instead_ = true;
  return false;
}

}  // namespace downwardfs::client
