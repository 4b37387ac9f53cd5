// SPDX-License-Identifier: Apache-2.0
#include "sources/follow_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

FollowSource::FollowSource(const ServerAccess& access, const Options& options, OwnedFd changed,
                           OwnedFd stop)
    : transport_(access.transport),
      follow_nodes_(options.nodes),
      pod_(options.pod),
      changed_(std::move(changed)),
      stop_(std::move(stop)),
      pods_(access.description),
      nodes_(access.description),
      namespaces_(access.description) {}

FollowSource::~FollowSource() {
  transport_->Shutdown();  // a plugin would hold up the reflectors' end
  pods_.Stop();            // its thread hurries the others
}

Result<std::unique_ptr<FollowSource>> FollowSource::Open(const ServerAccess& access,
                                                         const Options& options) {
  OwnedFd changed(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!changed) return Fail(ErrnoError(errno, "eventfd"));
  OwnedFd stop(options.stop_fd < 0 ? -1 : fcntl(options.stop_fd, F_DUPFD_CLOEXEC, 0));
  if (!stop && options.stop_fd >= 0) return Fail(ErrnoError(errno, "dup"));
  std::unique_ptr<FollowSource> source(
      new FollowSource(access, options, std::move(changed), std::move(stop)));
  auto follow =
      OfOneObject(client::PodReflectorOptions(options.pod.ns, "metadata.name=" + options.pod.name));
  follow.on_outcome = [self = source.get()](const client::ApiFailure* failure) {
    self->OnPodOutcome(failure);
  };
  source->pods_.Follow(source->transport_, std::move(follow));
  if (auto done = source->AwaitPod(options); !done) return Fail(std::move(done.error()));
  return source;
}

void FollowSource::Wake() const {
  const std::uint64_t one = 1;
  // A full counter wakes as well.
  (void)!write(changed_.get(), &one, sizeof one);
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
  Wake();
}

std::string FollowSource::Missing() const {
  return "pod " + pod_.ns + "/" + pod_.name + " is not there yet; " +
         pods_.store().State().description + " has no such pod";
}

Status FollowSource::AwaitPod(const Options& options) {
  const auto since = std::chrono::steady_clock::now();
  const bool once = options.wait && options.wait->count() == 0;
  const auto deadline = options.wait && !once ? since + *options.wait : SteadyTime::max();
  const auto subscription = pods_.store().Subscribe(pod_, [this](const ObjectPtr&) { Wake(); });
  const bool known = !pod_.uid.empty();
  std::optional<SteadyTime> listed_at;
  std::string said;
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
    const auto watch_due = listed_at ? *listed_at + kWatchAnswer : SteadyTime::max();
    // A watch that cannot start for now is the reflector's business: there is content to show.
    if (pod && (outcome.failure || outcome.watched || now >= std::min(watch_due, deadline))) {
      pod_.uid = pod->meta().uid;
      return {};
    }
    std::string reason;
    if (outcome.failure) {
      reason = outcome.failure->error.message;
    } else if (outcome.listed && !pod) {
      reason = Missing();
    } else if (said.empty() && now >= since + kFirstWord) {
      reason = "no answer from " + pods_.store().State().description + " yet";
    }
    if (once && (outcome.failure || (outcome.listed && !pod))) {
      return Fail(outcome.failure ? outcome.failure->error.code : ErrorCode::kNotFound, reason);
    }
    if (!reason.empty() && reason != said) {
      SayWaiting(reason);
      if (options.on_waiting) options.on_waiting(reason);
      said = reason;
    }
    const auto look_again = std::min(pod ? watch_due : SteadyTime::max(),
                                     said.empty() ? since + kFirstWord : SteadyTime::max());
    if (auto more = WaitForChange(look_again, deadline, said); !more) return more;
  }
}

Status FollowSource::WaitForChange(SteadyTime look_again, SteadyTime deadline,
                                   const std::string& reason) const {
  const std::string last =
      reason.empty() ? "no answer from " + pods_.store().State().description : reason;
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline) {
    return Fail(ErrorCode::kDeadlineExceeded, "gave up after --wait: " + last);
  }
  int timeout = -1;
  if (const auto until = std::min(look_again, deadline); until != SteadyTime::max()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - now);
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count() + 1, 0, 3'600'000));
  }
  pollfd fds[] = {{changed_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  if (poll(fds, 2, timeout) < 0 && errno != EINTR) return Fail(ErrnoError(errno, "poll"));
  if ((fds[1].revents & POLLIN) != 0) {
    return Fail(ErrorCode::kCancelled, "stopped by a signal while waiting: " + last);
  }
  std::uint64_t drained = 0;
  (void)!read(changed_.get(), &drained, sizeof drained);
  return {};
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
  follow.on_outcome = [this](const client::ApiFailure*) { Wake(); };
  other.Follow(transport_, std::move(follow));
  if (!serving_) Await(other);
}

void FollowSource::Await(const Follower& other) const {
  const auto deadline = std::chrono::steady_clock::now() + kOtherAnswer;
  while (!other.answered()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    pollfd fds[] = {{changed_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(fds, 2, static_cast<int>(left.count()) + 1) < 0 && errno != EINTR) return;
    if ((fds[1].revents & POLLIN) != 0) return;  // the command ends soon, by the same signal
    std::uint64_t drained = 0;
    (void)!read(changed_.get(), &drained, sizeof drained);
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
