// SPDX-License-Identifier: Apache-2.0
#include "sources/follow_source.h"

#include <algorithm>
#include <utility>

namespace downwardfs {
namespace {

// The first answer about a node or namespace decides what the first version shows; a server that is
// slow with it must not hold up the mount for long.
constexpr std::chrono::seconds kOtherAnswer{3};
// A refused watch is worth an error before anything is shown; one that is not answered is not worth
// waiting for: the content is there.
constexpr std::chrono::seconds kWatchAnswer{3};

}  // namespace

FollowSource::FollowSource(const ServerAccess& access, const Options& options, AnswerWait waiting)
    : transport_(access.transport),
      follow_nodes_(options.nodes),
      pod_(options.pod),
      waiting_(std::move(waiting)),
      pods_(access.description),
      nodes_(access.description),
      namespaces_(access.description) {}

FollowSource::~FollowSource() {
  transport_->Shutdown();  // a plugin would hold up the reflectors' end
  pods_.Stop();            // its thread hurries the others
}

Result<std::unique_ptr<FollowSource>> FollowSource::Open(const ServerAccess& access,
                                                         const Options& options) {
  auto waiting = AnswerWait::Begin(access.description, options.wait, options.stop_fd);
  if (!waiting) return Fail(std::move(waiting.error()));
  std::unique_ptr<FollowSource> source(new FollowSource(access, options, std::move(*waiting)));
  auto follow =
      OfOneObject(client::PodReflectorOptions(options.pod.ns, "metadata.name=" + options.pod.name));
  follow.on_outcome = [self = source.get()](const client::ApiFailure* failure) {
    self->OnPodOutcome(failure);
  };
  source->pods_.Follow(source->transport_, std::move(follow));
  if (auto done = source->AwaitPod(options); !done) return Fail(std::move(done.error()));
  return source;
}

void FollowSource::OnPodOutcome(const client::ApiFailure* failure) {
  const bool watched = failure == nullptr && pods_.store().State().connected;
  {
    const MutexLock lock(mutex_);
    pod_outcome_.failure.reset();
    if (watched) pod_outcome_.watched = true;
    if (failure != nullptr) {
      pod_outcome_.failure = *failure;
    } else {
      pod_outcome_.listed = true;
    }
  }
  // The server is back: the others' next attempt may be half a minute away. Not the other way
  // round, or watches that break at once would keep each other from backing off.
  if (failure == nullptr) {
    nodes_.Hurry();
    namespaces_.Hurry();
  }
  waiting_.Wake();
}

std::string FollowSource::Missing() const {
  return "pod " + pod_.ns + "/" + pod_.name + " is not there yet; " +
         pods_.store().State().description + " has no such pod";
}

Status FollowSource::AwaitPod(const Options& options) {
  const bool once = options.wait && options.wait->count() == 0;
  const auto subscription =
      pods_.store().Subscribe(pod_, [this](const ObjectPtr&) { waiting_.Wake(); });
  const bool known = !pod_.uid.empty();
  std::optional<AnswerWait::Time> listed_at;
  for (;;) {
    Outcome outcome;
    {
      const MutexLock lock(mutex_);
      outcome = pod_outcome_;
    }
    if (outcome.failure && !WorthWaiting(*outcome.failure)) {
      Error error = std::move(outcome.failure->error);
      const bool forbidden = error.code == ErrorCode::kPermissionDenied;
      if (forbidden) error.message += "; following a pod needs verbs list and watch";
      return Fail(std::move(error));
    }
    const auto now = std::chrono::steady_clock::now();
    if (outcome.listed && !listed_at) listed_at = now;
    if (known && listed_at) return {};
    const ObjectPtr pod = pods_.store().Get(pod_);
    const auto watch_due = listed_at ? *listed_at + kWatchAnswer : AnswerWait::Time::max();
    // A watch that cannot start for now is the reflector's business: there is content to show.
    if (pod &&
        (outcome.failure || outcome.watched || now >= std::min(watch_due, waiting_.deadline()))) {
      pod_.uid = pod->meta().uid;
      return {};
    }
    std::string reason;
    if (outcome.failure) {
      reason = outcome.failure->error.message;
    } else if (outcome.listed && !pod) {
      reason = Missing();
    }
    if (once && !reason.empty()) {
      return Fail(outcome.failure ? outcome.failure->error.code : ErrorCode::kNotFound, reason);
    }
    const std::string said = waiting_.Say(std::move(reason));
    if (!said.empty() && options.on_waiting) options.on_waiting(said);
    const auto look_again = pod ? watch_due : AnswerWait::Time::max();
    if (auto more = waiting_.Next(look_again); !more) return more;
  }
}

void FollowSource::Require(const ObjectKey& key) {
  const bool is_node = key.kind == "Node";
  if (is_node ? !follow_nodes_ : key.kind != "Namespace") return;
  if (std::string& required = required_[key.kind]; required == key.name) {
    return;
  } else {
    required = key.name;
  }
  Follower& other = Of(key.kind);
  other.Stop();
  auto follow = OfOneObject(is_node ? client::NodeReflectorOptions(key.name)
                                    : client::NamespaceReflectorOptions(key.name));
  follow.on_outcome = [this](const client::ApiFailure*) { waiting_.Wake(); };
  other.Follow(transport_, std::move(follow));
  if (!serving_) Await(other);
}

void FollowSource::Await(const Follower& other) const {
  const auto deadline = std::chrono::steady_clock::now() + kOtherAnswer;
  while (!other.answered() && std::chrono::steady_clock::now() < deadline) {
    // To stop is the command's end, which comes soon, by the same signal.
    if (!waiting_.NextUntil(deadline)) return;
  }
}

ObjectPtr FollowSource::Get(const ObjectKey& key) const {
  return Of(key.kind).store().Get(key);
}

std::vector<ObjectPtr> FollowSource::List(const std::string& kind) const {
  return Of(kind).store().List(kind);
}

std::unique_ptr<ObjectSource::Subscription> FollowSource::Subscribe(ObjectKey key,
                                                                    Callback callback) {
  client::ObjectStore& store = Of(key.kind).store();
  return store.Subscribe(std::move(key), std::move(callback));
}

SourceState FollowSource::State() const {
  SourceState state = pods_.store().State();
  for (const Follower* other : {&nodes_, &namespaces_}) {
    if (state.last_error.empty()) state.last_error = other->store().State().last_error;
  }
  return state;
}

}  // namespace downwardfs
