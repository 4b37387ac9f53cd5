// SPDX-License-Identifier: Apache-2.0
#include "client/store/subscribers.h"

#include <algorithm>

namespace downwardfs::client {

void Subscriber::Call(const ObjectPtr& before, const ObjectPtr& after) {
  {
    const MutexLock lock(mutex_);
    if (stopped_) return;
    running_ = true;
  }
  callback_(before, after);
  const MutexLock lock(mutex_);
  running_ = false;
  idle_.NotifyAll();
}

void Subscriber::Stop() {
  const MutexLock lock(mutex_);
  stopped_ = true;
  while (running_) idle_.Wait(mutex_);
}

std::string Subscribers::ObjectTopic(const ObjectId& id) {
  std::string text(id.kind);
  text.append(1, '/').append(id.ns).append(1, '/').append(id.name);
  return text;
}

void Subscribers::Add(Topic topic, const std::string& text, SubscriberPtr subscriber) {
  Of(topic)[text].push_back(std::move(subscriber));
}

void Subscribers::Remove(Topic topic, const std::string& text, const Subscriber* subscriber) {
  Index& index = Of(topic);
  const auto at = index.find(text);
  if (at == index.end()) return;
  auto& list = at->second;
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&](const SubscriberPtr& p) { return p.get() == subscriber; }),
             list.end());
  if (list.empty()) index.erase(at);
}

void Subscribers::FindIn(Topic topic, const std::string& text,
                         std::vector<SubscriberPtr>* found) const {
  const Index& index = indexes_[static_cast<std::size_t>(topic)];
  const auto at = index.find(text);
  if (at != index.end()) found->insert(found->end(), at->second.begin(), at->second.end());
}

void Subscribers::Find(const PackedObject& before, const PackedObject& after,
                       std::vector<SubscriberPtr>* found) const {
  const PackedObject& any = after ? after : before;
  if (!indexes_[0].empty()) FindIn(Topic::kObject, ObjectTopic(any.id()), found);
  if (!indexes_[1].empty()) FindIn(Topic::kKind, std::string(any.kind()), found);
}

}  // namespace downwardfs::client
