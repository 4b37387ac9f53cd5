// SPDX-License-Identifier: Apache-2.0
#include "sources/once_source.h"

#include <utility>

#include "client/wire/object_decoder.h"

namespace downwardfs {
OnceSource::OnceSource(const ServerAccess& access, Options options)
    : options_(std::move(options)),
      client_(access, options_.wait),
      store_(access.description),
      feed_(store_.AddFeed()) {}

OnceSource::~OnceSource() = default;

Result<std::unique_ptr<OnceSource>> OnceSource::Open(const ServerAccess& access, Options options) {
  std::unique_ptr<OnceSource> source(new OnceSource(access, std::move(options)));
  client::ResourcePath path;
  path.resource = "pods";
  path.ns = source->options_.pod.ns;
  path.name = source->options_.pod.name;
  if (auto done = source->Fetch(path, "Pod"); !done) return Fail(std::move(done.error()));
  return source;
}

Status OnceSource::Fetch(const client::ResourcePath& path, const char* kind) {
  auto json = client_.Get(path);
  if (!json) return Fail(std::move(json.error()));
  const std::size_t size = json->size();
  json->resize(size + client::ObjectDecoder::kPadding, ' ');
  client::ObjectDecoder decoder;
  auto object = decoder.Decode(std::string_view(*json).substr(0, size), {kind, "v1"});
  if (!object) {
    return Fail(std::move(object.error()), client_.server() + ": " + path.Describe());
  }
  feed_->Put(*object);
  return {};
}

void OnceSource::Require(const ObjectKey& key) {
  const bool is_node = key.kind == "Node";
  if (!is_node && key.kind != "Namespace") return;
  if (!required_.insert(key.kind + "/" + key.name).second) return;
  if (is_node && !options_.nodes) {
    other_error_ = "--no-node leaves it unknown";
    return;
  }
  client::ResourcePath path;
  path.resource = is_node ? "nodes" : "namespaces";
  path.name = key.name;
  auto done = Fetch(path, is_node ? "Node" : "Namespace");
  if (!done) other_error_ = done.error().message;
}

std::unique_ptr<ObjectSource::Subscription> OnceSource::Subscribe(ObjectKey key,
                                                                  Callback callback) {
  return store_.Subscribe(std::move(key), std::move(callback));
}

SourceState OnceSource::State() const {
  SourceState state = store_.State();
  state.last_error = other_error_;
  return state;
}

}  // namespace downwardfs
