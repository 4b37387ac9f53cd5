// SPDX-License-Identifier: Apache-2.0
#include "csi/node_objects.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "client/api/api_client.h"
#include "fs/volume/projection_turn.h"
#include "sources/deadline_transport.h"

namespace downwardfs {
namespace {

// The watch is ahead of the kubelet but for an instant; after it the server itself is asked.
constexpr std::chrono::milliseconds kWatchDelay{250};
constexpr std::chrono::milliseconds kAskAgain{500};
constexpr std::chrono::seconds kFirstAnswer{3};
// An answer is a whole pod. The watch tells the others sooner than they would be told one by one.
constexpr int kMostAsking = 8;
constexpr std::chrono::milliseconds kTurnComes{200};
constexpr char kConfigHash[] = "kubernetes.io/config.hash";

std::string Text(const nlohmann::json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

nlohmann::json Member(const nlohmann::json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_object() ? *found : nlohmann::json::object();
}

}  // namespace

NodeObjects::NodeObjects(const ServerAccess& access, std::string node)
    : transport_(access.transport),
      node_(std::move(node)),
      pods_(access.description),
      nodes_(access.description) {
  const auto wake = [this] {
    {
      MutexLock lock(mutex_);
      ++changes_;
    }
    changed_.NotifyAll();
  };
  any_pod_ = pods().SubscribeKind("Pod", [wake](const ObjectPtr&, const ObjectPtr&) { wake(); });
  auto follow = client::PodReflectorOptions("", "spec.nodeName=" + node_);
  follow.on_outcome = [wake](const client::ApiFailure*) { wake(); };
  pods_.Follow(transport_, std::move(follow));
}

NodeObjects::~NodeObjects() {
  transport_->Shutdown();  // a credential plugin would hold up the reflectors' end
  pods_.Stop();
  nodes_.Stop();
}

Status NodeObjects::Check(const ObjectKey& pod, const Object& found) const {
  const std::string name = "pod " + pod.ns + "/" + pod.name;
  const ProjectionTurn turn;
  const auto json = nlohmann::json::parse(found.Json(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Fail(ErrorCode::kInternal, name + ": not an object");
  const std::string hash = Text(Member(Member(json, "metadata"), "annotations"), kConfigHash);
  if (found.meta().uid != pod.uid && hash != pod.uid) {
    return Fail(ErrorCode::kFailedPrecondition, name + ": has the uid " + found.meta().uid +
                                                    ", and the volume is for " + pod.uid +
                                                    "; that pod is gone");
  }
  const std::string node = Text(Member(json, "spec"), "nodeName");
  if (node != node_) {
    return Fail(ErrorCode::kFailedPrecondition,
                name + ": is on node \"" + node + "\", this is \"" + node_ + "\"");
  }
  return {};
}

Result<ObjectPtr> NodeObjects::Ask(const ObjectKey& pod,
                                   std::chrono::steady_clock::time_point deadline) const {
  client::ResourcePath path;
  path.resource = "pods";
  path.ns = pod.ns;
  path.name = pod.name;
  const auto transport = std::make_shared<DeadlineTransport>(transport_);
  transport->Restart(
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()),
      /*hard=*/true);
  auto json = client::ApiClient(transport).Get(path);
  if (!json) return Fail(std::move(json.error().error));
  const ProjectionTurn turn;
  const auto parsed = nlohmann::json::parse(*json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return Fail(ErrorCode::kInternal, "the server's answer is no object");
  const auto metadata = Member(parsed, "metadata");
  ObjectMeta meta{"Pod", pod.ns, pod.name, Text(metadata, "uid"),
                  Text(metadata, "resourceVersion")};
  return std::make_shared<TextObject>(std::move(meta), std::move(*json));
}

std::optional<Result<ObjectPtr>> NodeObjects::AskInTurn(
    const ObjectKey& pod, std::chrono::steady_clock::time_point deadline) {
  {
    MutexLock lock(mutex_);
    if (asking_ >= kMostAsking) return std::nullopt;
    ++asking_;
  }
  auto found = Ask(pod, deadline);
  MutexLock lock(mutex_);
  --asking_;
  return found;
}

Result<ObjectPtr> NodeObjects::AwaitPod(const ObjectKey& pod,
                                        std::chrono::steady_clock::time_point deadline,
                                        const std::function<bool()>& stop) {
  const ObjectKey by_name{"Pod", pod.ns, pod.name, ""};
  auto next_ask = std::chrono::steady_clock::now() + kWatchDelay;
  Error why{ErrorCode::kUnavailable, "pod " + pod.ns + "/" + pod.name + ": not known yet"};
  for (;;) {
    std::uint64_t seen = 0;
    {
      MutexLock lock(mutex_);
      seen = changes_;
    }
    if (auto found = pods().Get(by_name)) {
      auto good = Check(pod, *found);
      if (good) return found;
      why = std::move(good.error());
    }
    const auto now = std::chrono::steady_clock::now();
    if (stop()) return Fail(ErrorCode::kCancelled, "the call was cancelled: " + why.message);
    if (now >= deadline) return Fail(std::move(why));
    if (now >= next_ask) {
      next_ask = now + kAskAgain;
      const auto asked = AskInTurn(pod, deadline);
      if (!asked) {
        next_ask = now + kTurnComes;
        continue;
      }
      const Result<ObjectPtr>& found = *asked;
      if (found) {
        auto good = Check(pod, **found);
        if (!good && good.error().code == ErrorCode::kFailedPrecondition) {
          return Fail(std::move(good.error()));
        }
        // It is there; the watch will deliver it, and every change of it.
        why = Error{ErrorCode::kUnavailable, "pod " + pod.ns + "/" + pod.name +
                                                 ": the watch of the node's pods does not " +
                                                 "deliver it: " + pods().State().last_error};
      } else if (!WorthRetrying(found.error())) {
        return Fail(found.error());
      } else {
        why = found.error();
        // The time is the server's, and not the caller's.
        if (why.code == ErrorCode::kDeadlineExceeded) why.code = ErrorCode::kUnavailable;
      }
    }
    MutexLock lock(mutex_);
    if (changes_ == seen) changed_.WaitUntil(mutex_, std::min(next_ask, deadline));
  }
}

void NodeObjects::RequireNode() {
  const auto deadline = std::chrono::steady_clock::now() + kFirstAnswer;
  {
    MutexLock lock(mutex_);
    if (!std::exchange(node_required_, true)) {
      nodes_.Follow(transport_, OfOneObject(client::NodeReflectorOptions(node_)));
    }
  }
  nodes_.Await(deadline);
}

std::shared_ptr<Follower> NodeObjects::FollowNamespace(const std::string& name) {
  std::shared_ptr<Follower> followed;
  {
    MutexLock lock(mutex_);
    std::erase_if(namespaces_, [](const auto& entry) { return entry.second.expired(); });
    followed = namespaces_[name].lock();
    if (!followed) {
      followed = std::make_shared<Follower>(pods().State().description);
      followed->Follow(transport_, OfOneObject(client::NamespaceReflectorOptions(name)));
      namespaces_[name] = followed;
    }
  }
  followed->Await(std::chrono::steady_clock::now() + kFirstAnswer);
  return followed;
}

}  // namespace downwardfs
