// SPDX-License-Identifier: Apache-2.0
#include "client/watch/reflector.h"

#include <random>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"

namespace downwardfs::client {
namespace {

// Why a handler ended a watch on purpose: never shown.
tl::unexpected<Error> Stop() {
  return Fail(ErrorCode::kCancelled, "the watch is no longer of use");
}

ReflectorOptions Options(const char* resource, const char* kind, std::string ns,
                         std::string field_selector) {
  ReflectorOptions options;
  options.path.resource = resource;
  options.path.ns = std::move(ns);
  options.hint = {kind, "v1"};
  options.field_selector = std::move(field_selector);
  return options;
}

constexpr char kByName[] = "metadata.name=";

// Of a name there is one; a server that ignores the selector is told apart all the same.
void LimitToOne(SplitterLimits& limits) {
  limits.objects = 1000;
  limits.all_bytes = std::size_t{64} << 20;
}

ReflectorOptions OfTheCluster(const char* resource, const char* kind, const std::string& name) {
  ReflectorOptions options = Options(resource, kind, "", name.empty() ? "" : kByName + name);
  if (!name.empty()) LimitToOne(options.limits);
  return options;
}

}  // namespace

ReflectorOptions PodReflectorOptions(std::string ns, std::string field_selector) {
  ReflectorOptions options = Options("pods", "Pod", std::move(ns), std::move(field_selector));
  const std::string& selector = options.field_selector;
  if (!options.path.ns.empty() && selector.starts_with(kByName)) LimitToOne(options.limits);
  // Large nodes have some hundred pods.
  if (selector.starts_with("spec.nodeName=")) {
    options.limits.objects = 20'000;
    options.limits.all_bytes = std::size_t{1} << 30;
  }
  return options;
}

ReflectorOptions NodeReflectorOptions(const std::string& name) {
  return OfTheCluster("nodes", "Node", name);
}

ReflectorOptions NamespaceReflectorOptions(const std::string& name) {
  return OfTheCluster("namespaces", "Namespace", name);
}

ReflectorSession::ReflectorSession(std::shared_ptr<Transport> transport, ObjectStore& store,
                                   ReflectorOptions options, const Clock& clock, unsigned seed)
    : options_(std::move(options)),
      clock_(clock),
      client_(std::move(transport)),
      feed_(store.AddFeed()),
      machine_(options_.timing, options_.streaming_lists,
               [engine = std::mt19937(seed)]() mutable {
                 return std::uniform_real_distribution<double>(0, 1)(engine);
               }),
      limit_(store, options_.limits),
      fault_log_(options_.timing.good_after) {}

ListQuery ReflectorSession::Query(const ReflectorMachine::Step& step) const {
  ListQuery query;
  query.parameters = step.parameters;
  if (!options_.field_selector.empty()) {
    query.parameters.emplace_back("fieldSelector", options_.field_selector);
  }
  if (!options_.label_selector.empty()) {
    query.parameters.emplace_back("labelSelector", options_.label_selector);
  }
  query.hint = options_.hint;
  query.head_limit = step.head_limit;
  query.idle_limit = step.idle_limit;
  query.ends_with_silence = step.initial_events;
  query.total_limit = step.total_limit;
  query.limits = options_.limits;
  return query;
}

Clock::SteadyTime ReflectorSession::Step(Cancellation* cancellation) {
  const ReflectorMachine::Step step = machine_.Next(clock_.Steady());
  switch (step.action) {
    case ReflectorMachine::Action::kWait:
      return step.until;
    case ReflectorMachine::Action::kList:
      List(step, cancellation);
      break;
    case ReflectorMachine::Action::kWatch:
      Watch(step, cancellation);
      break;
  }
  return Clock::SteadyTime::min();
}

void ReflectorSession::List(const ReflectorMachine::Step& step, Cancellation* cancellation) {
  if (step.first_page) BeginList();
  auto page = client_.ListPage(
      options_.path, Query(step),
      [this](const ObjectView& object) -> Status {
        if (auto good = limit_.TakeItem(object); !good) return good;
        feed_->Put(object);
        return {};
      },
      cancellation);
  if (page && !page->continue_token.empty()) {
    if (auto good = limit_.TakePage(); !good) {
      ApiFailure endless;
      endless.error = std::move(good.error());
      page = tl::unexpected<ApiFailure>(std::move(endless));
    }
  }
  if (!page) {
    if (limit_.exceeded()) feed_->DropList();
    heard_at_ = clock_.Steady();
    machine_.OnListFailed(page.error(), heard_at_);
    Failed(page.error());
    return;
  }
  if (machine_.OnPage(*page, clock_.Steady())) ListComplete();
}

void ReflectorSession::BeginList() {
  limit_.Begin();
  feed_->BeginList();
}

void ReflectorSession::ListComplete() {
  in_list_ = false;
  feed_->EndList();
  feed_->Reached(machine_.resource_version());
  if (options_.on_outcome) options_.on_outcome(nullptr);
}

void ReflectorSession::Connected() {
  feed_->Connected();
  if (options_.on_outcome) options_.on_outcome(nullptr);
}

void ReflectorSession::Failed(const ApiFailure& failure) {
  if (failure.error.code == ErrorCode::kCancelled) return;
  // A connection that ends has delivered all that was sent before; a silent one has not.
  const bool silent = failure.error.code == ErrorCode::kDeadlineExceeded || failure.connection_lost;
  feed_->Disconnected(failure.error.message, silent ? heard_at_ : clock_.Steady());
  feed_->Faulted(failure.error.message);
  if (options_.on_outcome) options_.on_outcome(&failure);
  if (!fault_log_.Failed(failure.error.message, clock_.Steady())) return;
  LogWarning(
      "following the API server failed; trying again",
      {{log_keys::kResource, options_.path.Describe()}, {log_keys::kError, failure.error.message}});
}

Status ReflectorSession::OnEvent(const WatchEvent& event) {
  heard_at_ = clock_.Steady();
  if (event.type == EventType::kError) {
    auto status = ParseApiStatus(event.object.json);
    if (!status) {
      return Fail(ErrorCode::kInvalidArgument, "an ERROR event holds no Status");
    }
    stopped_by_error_ = true;
    error_event_ = FailureOf(client_.Question("watch", options_.path), *status);
    return Stop();
  }
  switch (machine_.OnEvent(event.type, event.object.resource_version,
                           event.object.initial_events_end)) {
    case ReflectorMachine::Verdict::kApply:
      if (event.type == EventType::kDeleted) {
        feed_->Remove(event.object);
      } else {
        auto good = in_list_ ? limit_.TakeItem(event.object) : limit_.TakeEvent(event.object);
        if (!good) return good;
        feed_->Put(event.object);
      }
      feed_->Reached(machine_.resource_version());
      break;
    case ReflectorMachine::Verdict::kListComplete:
      ListComplete();
      Connected();
      break;
    case ReflectorMachine::Verdict::kNothing:
      feed_->Reached(machine_.resource_version());
      break;
    case ReflectorMachine::Verdict::kStop:
      stopped_by_verdict_ = true;
      return Stop();
  }
  return {};
}

void ReflectorSession::Watch(const ReflectorMachine::Step& step, Cancellation* cancellation) {
  stopped_by_verdict_ = stopped_by_error_ = false;
  heard_at_ = clock_.Steady();
  in_list_ = step.initial_events;
  if (in_list_) BeginList();
  WatchHandler handler;
  handler.started = [this, &step] {
    heard_at_ = clock_.Steady();
    machine_.OnWatchStarted(heard_at_);
    if (!step.initial_events) Connected();
    if (fault_log_.Runs(heard_at_)) {
      LogInfo("following the API server again", {{log_keys::kResource, options_.path.Describe()}});
    }
  };
  handler.event = [this](const WatchEvent& event) { return OnEvent(event); };
  const auto done = client_.Watch(options_.path, Query(step), handler, cancellation);
  const auto now = clock_.Steady();
  if (in_list_ && limit_.exceeded()) feed_->DropList();
  if (stopped_by_verdict_) {
    machine_.OnWatchStopped(now);
    if (!step.initial_events) {
      feed_->Disconnected("the server has gone back in time (restored?); listing again", heard_at_);
    }
  } else if (stopped_by_error_) {
    if (machine_.OnErrorEvent(error_event_, now)) Failed(error_event_);
  } else if (done) {
    machine_.OnWatchEnded(now);
    // Mostly for a moment. A server that shuts down ends its watches in this way too, and whether
    // it can be reached again may take long to find out.
    if (!step.initial_events) feed_->Disconnected("the server ended the watch; asking again", now);
  } else if (machine_.OnWatchFailed(done.error(), now)) {
    Failed(done.error());
  }
}

Reflector::Reflector(std::shared_ptr<Transport> transport, ObjectStore& store,
                     ReflectorOptions options, const Clock& clock)
    : session_(std::move(transport), store, std::move(options), clock, std::random_device{}()),
      thread_("dwfs-watch", [this] { Run(); }) {}

Reflector::~Reflector() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  cancellation_.Cancel();
  thread_.Join();
}

void Reflector::Hurry() {
  const MutexLock lock(mutex_);
  hurry_ = true;  // also if an attempt is under way, which may be failing just now
  wake_.NotifyAll();
}

void Reflector::Run() {
  for (;;) {
    const auto next = session_.Step(&cancellation_);
    const MutexLock lock(mutex_);
    while (!stopping_ && !hurry_ && std::chrono::steady_clock::now() < next) {
      wake_.WaitUntil(mutex_, next);
    }
    if (stopping_) return;
    if (std::exchange(hurry_, false)) session_.Hurry();
  }
}

}  // namespace downwardfs::client
