// SPDX-License-Identifier: Apache-2.0
#include "sources/cluster_source.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

namespace downwardfs {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often AwaitLoaded() looks.
constexpr milliseconds kLook{20};

// The advice on a refusal, which depends on the question.
Error Explain(Error error, const ClusterSource::Options& options) {
  if (error.code == ErrorCode::kPermissionDenied && options.namespaces.empty()) {
    error.message += "; with rights in some namespaces only, mount those: --namespace NS";
  }
  return error;
}

}  // namespace

Result<std::unique_ptr<ClusterSource>> ClusterSource::Make(const ServerAccess& access,
                                                           Options options) {
  auto waiting = AnswerWait::Begin(access.description, options.wait, options.stop_fd);
  if (!waiting) return Fail(std::move(waiting.error()));
  return std::unique_ptr<ClusterSource>(
      new ClusterSource(access, std::move(options), std::move(*waiting)));
}

ClusterSource::ClusterSource(const ServerAccess& access, Options options, AnswerWait waiting)
    : transport_(access.transport),
      options_(std::move(options)),
      waiting_(std::move(waiting)),
      pods_(access.description),
      nodes_(access.description),
      namespaces_(access.description) {
  const MutexLock lock(mutex_);
  for (const std::string& ns : options_.namespaces) scopes_.push_back({ns, false, {}});
  if (scopes_.empty()) scopes_.emplace_back();
}

ClusterSource::~ClusterSource() = default;

ClusterSource::Following::~Following() {
  source_.transport_->Shutdown();  // a plugin would hold up the reflectors' end
  for (Follower* follower : {&source_.pods_, &source_.nodes_, &source_.namespaces_}) {
    follower->Stop();
  }
}

std::unique_ptr<ClusterSource::Following> ClusterSource::Start(const Change& change) {
  auto following = std::make_unique<Following>(*this);
  const auto subscribe = [&](Follower& follower, const char* kind, Change told) {
    following->subscriptions_.push_back(follower.store().SubscribeKind(kind, std::move(told)));
  };
  subscribe(pods_, "Pod", [this, change](const ObjectPtr& before, const ObjectPtr& after) {
    change(before, after);
    OnPod((after ? after : before)->meta().ns);
  });
  subscribe(nodes_, "Node", change);
  subscribe(namespaces_, "Namespace", change);

  std::vector<std::string> scopes = options_.namespaces;
  if (scopes.empty()) scopes.emplace_back();
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    auto pods = client::PodReflectorOptions(scopes[i]);
    pods.on_outcome = [this, i](const client::ApiFailure* failure) { OnOutcome(i, failure); };
    pods_.Follow(transport_, std::move(pods));
  }
  if (options_.nodes) nodes_.Follow(transport_, client::NodeReflectorOptions());
  if (options_.namespaces.empty()) {
    namespaces_.Follow(transport_, client::NamespaceReflectorOptions());
  }
  return following;
}

// The first pod of a long list is an answer.
void ClusterSource::OnPod(const std::string& ns) {
  bool first = false;
  {
    const MutexLock lock(mutex_);
    for (Scope& scope : scopes_) {
      if (scope.ns.empty() || scope.ns == ns) first |= !std::exchange(scope.answered, true);
    }
  }
  if (first) waiting_.Wake();
}

void ClusterSource::OnOutcome(std::size_t scope, const client::ApiFailure* failure) {
  {
    const MutexLock lock(mutex_);
    Scope& at = scopes_[scope];
    if (failure == nullptr) {
      at.answered = true;
      at.failure.reset();
    } else {
      at.failure = *failure;
    }
  }
  // The remains of the list: a page's memory, the decoder's, and the objects' before they were
  // compressed.
  if (failure == nullptr && pods_.store().size() > 1000) malloc_trim(0);
  waiting_.Wake();
}

// The fault that keeps the answer away: rather one that waiting will not mend. With the answer
// there, a watch that is refused is the reflector's business, which lists instead.
std::optional<client::ApiFailure> ClusterSource::Pending() const {
  std::optional<client::ApiFailure> pending;
  for (const Scope& scope : scopes_) {
    if (!scope.failure || scope.answered) continue;
    if (!WorthWaiting(*scope.failure)) return scope.failure;
    if (!pending) pending = scope.failure;
  }
  return pending;
}

bool ClusterSource::AllAnswered() const {
  return std::all_of(scopes_.begin(), scopes_.end(),
                     [](const Scope& scope) { return scope.answered; });
}

Status ClusterSource::AwaitAnswer() {
  const bool once = options_.wait && options_.wait->count() == 0;
  for (;;) {
    std::optional<client::ApiFailure> failure;
    {
      const MutexLock lock(mutex_);
      failure = Pending();
      // Of several namespaces one that may not be read is worth an error before anything is shown.
      if (AllAnswered() && (!failure || WorthWaiting(*failure))) return {};
    }
    if (failure && (once || !WorthWaiting(*failure))) {
      return Fail(Explain(std::move(failure->error), options_));
    }
    waiting_.Say(failure ? failure->error.message : "");
    if (auto more = waiting_.Next(); !more) return more;
  }
}

bool ClusterSource::AwaitLoaded(milliseconds limit) const {
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    // Objects that may not be read will not be loaded, and nobody needs to wait for them.
    const Progress nodes = Nodes();
    const Progress namespaces = Namespaces();
    const bool rest =
        (!options_.nodes || nodes.loaded || !nodes.last_error.empty()) &&
        (!options_.namespaces.empty() || namespaces.loaded || !namespaces.last_error.empty());
    if (rest && Pods().loaded) return true;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    if (waiting_.IsStopped(std::min(left, kLook) + milliseconds(1))) return false;
  }
}

ClusterSource::Progress ClusterSource::ProgressOf(const client::ObjectStore& store) {
  return {store.size(), store.WaitUntilSynced(steady_clock::time_point::min()),
          store.State().last_error};
}

std::unique_ptr<ObjectSource::Subscription> ClusterSource::Subscribe(ObjectKey key,
                                                                     Callback callback) {
  Follower& follower = key.kind == "Node" ? nodes_ : key.kind == "Namespace" ? namespaces_ : pods_;
  return follower.store().Subscribe(std::move(key), std::move(callback));
}

const client::ObjectStore& ClusterSource::StoreOf(const std::string& kind) const {
  return (kind == "Node" ? nodes_ : kind == "Namespace" ? namespaces_ : pods_).store();
}

}  // namespace downwardfs
