// SPDX-License-Identifier: Apache-2.0
#include "cli/sources/once_source.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "client/watch/object_decoder.h"

namespace downwardfs {
namespace {

constexpr std::chrono::milliseconds kBetweenAttempts{500};
// Of one request where the person does not want to wait for a server.
constexpr std::chrono::milliseconds kOneRequest{10'000};

}  // namespace

OnceSource::OnceSource(const ServerAccess& access, Options options)
    : options_(std::move(options)),
      transport_(std::make_shared<DeadlineTransport>(access.transport)),
      client_(transport_),
      store_(access.description),
      feed_(store_.AddFeed()) {}

OnceSource::~OnceSource() = default;

Result<std::unique_ptr<OnceSource>> OnceSource::Open(const ServerAccess& access, Options options) {
  std::unique_ptr<OnceSource> source(new OnceSource(access, std::move(options)));
  if (auto done = source->GetPod(); !done) return Fail(std::move(done.error()));
  return source;
}

client::ApiResult<void> OnceSource::Fetch(const client::ResourcePath& path, const char* kind) {
  auto json = client_.Get(path);
  if (!json) return tl::unexpected<client::ApiFailure>(std::move(json.error()));
  const std::size_t size = json->size();
  json->resize(size + client::ObjectDecoder::kPadding, ' ');
  client::ObjectDecoder decoder;
  auto object = decoder.Decode(std::string_view(*json).substr(0, size), {kind, "v1"});
  if (!object) {
    client::ApiFailure failure;
    failure.error = std::move(object.error())
                        .WithContext(client_.transport().Description() + ": " + path.Describe());
    return tl::unexpected<client::ApiFailure>(std::move(failure));
  }
  feed_->Put(*object);
  return {};
}

Status OnceSource::GetPod() {
  client::ResourcePath path;
  path.resource = "pods";
  path.ns = options_.pod.ns;
  path.name = options_.pod.name;
  const bool once = options_.wait.count() == 0;
  transport_->Restart(once ? kOneRequest : options_.wait);
  for (bool said = false;; said = true) {
    auto done = Fetch(path, "Pod");
    if (done) return {};
    Error error = std::move(done.error().error);
    if (!WorthRetrying(error)) return Fail(std::move(error));
    const auto asked = done.error().retry_after.value_or(std::chrono::seconds(0));
    const auto pause = std::max<std::chrono::milliseconds>(kBetweenAttempts, asked);
    if (once || transport_->Left() <= pause) return Fail(std::move(error));
    if (!said) SayWaiting(error.message);
    std::this_thread::sleep_for(pause);
  }
}

void OnceSource::Require(const ObjectKey& key) {
  if (key.kind != "Node" || key.name == required_node_) return;
  required_node_ = key.name;
  if (!options_.nodes) {
    node_error_ = "--no-node leaves it unknown";
    return;
  }
  client::ResourcePath path;
  path.resource = "nodes";
  path.name = key.name;
  transport_->Restart(kOneRequest);
  auto done = Fetch(path, "Node");
  node_error_ = done ? "" : done.error().error.message;
}

std::unique_ptr<ObjectSource::Subscription> OnceSource::Subscribe(ObjectKey key,
                                                                  Callback callback) {
  return store_.Subscribe(std::move(key), std::move(callback));
}

SourceState OnceSource::State() const {
  SourceState state = store_.State();
  state.last_error = node_error_;
  return state;
}

}  // namespace downwardfs
