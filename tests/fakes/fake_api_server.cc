// SPDX-License-Identifier: Apache-2.0
// Sockets, threads and what a test does to the server; answers are in fake_api_answers.cc.
#include "tests/fakes/fake_api_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>

#include "tests/fakes/loopback_listener.h"

namespace downwardfs {
namespace {

void Raise(const OwnedFd& event) {
  const std::uint64_t one = 1;
  (void)!write(event.get(), &one, sizeof one);
}

}  // namespace

FakeApiServer::FakeApiServer() : FakeApiServer(Options()) {}

FakeApiServer::FakeApiServer(Options options)
    : options_(std::move(options)),
      authority_(std::make_unique<TestAuthority>("test CA")),
      stop_event_(eventfd(0, EFD_CLOEXEC)) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  {
    const MutexLock lock(mutex_);
    MakeContext();
  }
  Start();
}

FakeApiServer::~FakeApiServer() {
  Stop();
}

std::string FakeApiServer::url() const {
  return (options_.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

void FakeApiServer::MakeContext() {
  if (!options_.tls) return;
  const CertificatePair pair =
      options_.certificate_names.empty()
          ? authority_->IssueLegacy(options_.common_name)
          : authority_->Issue(options_.common_name, options_.certificate_names);
  context_ = MakeServerContext(pair, authority_->pem());
  if (!options_.needs_certificate) return;
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void FakeApiServer::RotateCertificates() {
  const MutexLock lock(mutex_);
  authority_ = std::make_unique<TestAuthority>("test CA, next");
  MakeContext();
}

void FakeApiServer::Start() {
  stop_event_.Reset(eventfd(0, EFD_CLOEXEC));
  listener_ = testing::ListenOnLoopback(&port_);
  acceptor_ = std::make_unique<WorkerThread>("fake-accept", [this] { Accept(); });
}

void FakeApiServer::Stop() {
  Raise(stop_event_);
  acceptor_.reset();
  listener_.Reset();
  Drop();
}

void FakeApiServer::Drop() {
  std::list<std::unique_ptr<Connection>> dropped;
  {
    const MutexLock lock(mutex_);
    dropped.swap(connections_);
    ++epoch_;
    for (const auto& connection : dropped) {
      connection->http->Shut();
      Raise(connection->event);
    }
  }
  // Their threads are joined here.
}

void FakeApiServer::Accept() {
  while (OwnedFd fd = testing::NextConnection(listener_, stop_event_.get())) {
    std::list<std::unique_ptr<Connection>> over;  // joined after the lock is let go
    const MutexLock lock(mutex_);
    for (auto at = connections_.begin(); at != connections_.end();) {
      const auto next = std::next(at);
      if ((*at)->over) over.splice(over.end(), connections_, at);
      at = next;
    }
    ++accepted_;
    connections_.push_back(std::make_unique<Connection>());
    Connection& connection = *connections_.back();
    connection.context = context_;
    connection.http = std::make_unique<HttpConnection>(std::move(fd), context_.get());
    connection.event.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    connection.thread =
        std::make_unique<WorkerThread>("fake-serve", [this, &connection] { Serve(connection); });
  }
}

void FakeApiServer::Notify() {
  idle_watchers_.clear();
  for (const auto& connection : connections_) Raise(connection->event);
  changed_.NotifyAll();
}

std::string FakeApiServer::Put(const std::string& ns, const std::string& name,
                               const std::string& label, const std::string& node) {
  const MutexLock lock(mutex_);
  Stored object;
  object.ns = ns;
  object.name = name;
  object.label = label;
  object.node = node;
  return Store("pods", std::move(object));
}

std::string FakeApiServer::PutObject(const std::string& resource, const std::string& ns,
                                     const std::string& name, const Members& members,
                                     const std::string& label) {
  const MutexLock lock(mutex_);
  Stored object;
  object.ns = ns;
  object.name = name;
  object.label = label;
  if (resource == "pods") object.node = members.node;
  object.members = members;
  return Store(resource, std::move(object));
}

std::string FakeApiServer::Store(const std::string& resource, Stored object) {
  Objects& all = objects_[resource];
  const std::string key = object.ns + "/" + object.name;
  const auto at = all.find(key);
  const char* type = at == all.end() ? "ADDED" : "MODIFIED";
  object.uid = at == all.end() ? "uid-" + std::to_string(next_uid_++) : at->second.uid;
  object.version = ++version_;
  object.json = Render(resource, object);
  history_.push_back(
      {type, object.version, resource, object.ns, object.name, object.node, object.json});
  std::string version = std::to_string(object.version);
  all[key] = std::move(object);
  Notify();
  return version;
}

std::string FakeApiServer::Json(const std::string& resource, const std::string& ns,
                                const std::string& name) const {
  const MutexLock lock(mutex_);
  const auto all = objects_.find(resource);
  if (all == objects_.end()) return "";
  const auto at = all->second.find(ns + "/" + name);
  return at == all->second.end() ? "" : at->second.json;
}

void FakeApiServer::Delete(const std::string& ns, const std::string& name) {
  const MutexLock lock(mutex_);
  Erase("pods", ns + "/" + name);
}

void FakeApiServer::Erase(const std::string& resource, const std::string& key) {
  Objects& all = objects_[resource];
  const auto at = all.find(key);
  if (at == all.end()) return;
  Stored object = at->second;
  all.erase(at);
  object.version = ++version_;
  history_.push_back({"DELETED", object.version, resource, object.ns, object.name, object.node,
                      Render(resource, object)});
  Notify();
}

std::vector<std::string> FakeApiServer::Pods() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> pods;
  const auto at = objects_.find("pods");
  if (at == objects_.end()) return pods;
  for (const auto& [key, pod] : at->second) {
    pods.push_back(key + " " + pod.uid + " " + std::to_string(pod.version) + " " + pod.label);
  }
  return pods;
}

void FakeApiServer::Bookmark() {
  const MutexLock lock(mutex_);
  ++bookmarks_;
  Notify();
}

void FakeApiServer::Compact() {
  const MutexLock lock(mutex_);
  compacted_ = version_;
  history_.clear();
  pages_.clear();
}

void FakeApiServer::RestoreAt(std::uint64_t version) {
  Drop();
  const MutexLock lock(mutex_);
  version_ = version;
  compacted_ = 0;
  history_.clear();
  pages_.clear();
  for (auto& [resource, all] : objects_) {
    for (auto& [key, object] : all) {
      object.version = ++version_;
      object.json = Render(resource, object);
    }
  }
}

void FakeApiServer::SetToken(const std::string& token) {
  const MutexLock lock(mutex_);
  options_.token = token;
}

void FakeApiServer::SetStreamingLists(StreamingLists mode) {
  const MutexLock lock(mutex_);
  options_.streaming_lists = mode;
}

void FakeApiServer::RefuseStreaming(StreamingRefusal refusal) {
  const MutexLock lock(mutex_);
  options_.streaming_lists = StreamingLists::kRefused;
  refusal_ = refusal;
}

void FakeApiServer::HoldWatchesBack() {
  const MutexLock lock(mutex_);
  hold_watches_back_ = true;
}

void FakeApiServer::LimitWatches(std::chrono::milliseconds limit) {
  const MutexLock lock(mutex_);
  longest_watch_ = limit;
}

void FakeApiServer::Forbid(const std::string& verb_and_resource) {
  const MutexLock lock(mutex_);
  forbidden_.insert(verb_and_resource);
  ExpectLists(verb_and_resource);
}

void FakeApiServer::AllowGet(const std::string& user, const std::string& resource, bool allowed) {
  const MutexLock lock(mutex_);
  if (allowed) {
    may_get_.emplace(user, resource);
  } else {
    may_get_.erase({user, resource});
  }
}

std::string FakeApiServer::LastReview() const {
  const MutexLock lock(mutex_);
  return last_review_;
}

void FakeApiServer::ExpectLists(const std::string& verb) {
  if (verb.starts_with("list")) options_.streaming_lists = StreamingLists::kRefused;
}

void FakeApiServer::DamageNextFlush() {
  const MutexLock lock(mutex_);
  damage_next_flush_ = true;
}

void FakeApiServer::Inject(ServerFault fault, int times) {
  const MutexLock lock(mutex_);
  for (int i = 0; i < times; ++i) faults_.push_back(fault);
  ExpectLists(fault.verb);
}

std::size_t FakeApiServer::FaultsLeft() const {
  const MutexLock lock(mutex_);
  return faults_.size();
}

std::size_t FakeApiServer::Connections() const {
  const MutexLock lock(mutex_);
  return accepted_;
}

std::vector<std::string> FakeApiServer::Requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

std::map<std::string, std::string> FakeApiServer::LastHeaders() const {
  const MutexLock lock(mutex_);
  return last_headers_;
}

bool FakeApiServer::WaitForWatchers(std::size_t count) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const MutexLock lock(mutex_);
  while (idle_watchers_.size() < count) {
    if (!changed_.WaitUntil(mutex_, deadline)) return idle_watchers_.size() >= count;
  }
  return true;
}

}  // namespace downwardfs
