// SPDX-License-Identifier: Apache-2.0
#include "csi/startup_taint.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/log_keys.h"

namespace downwardfs {
namespace {

// The kubelet registers a driver within a second; a cluster that never does is asked seldom.
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::milliseconds kLongestPause{10'000};
constexpr int kUntilItChanges = -1;

// The array at object.spec.MEMBER; empty if there is no such array.
nlohmann::json ArrayOfSpec(const std::string& object, const char* member) {
  const auto parsed = nlohmann::json::parse(object, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return nlohmann::json::array();
  const auto spec = parsed.find("spec");
  if (spec == parsed.end() || !spec->is_object()) return nlohmann::json::array();
  const auto found = spec->find(member);
  return found != spec->end() && found->is_array() ? *found : nlohmann::json::array();
}

// Whether entry.MEMBER is that text.
bool SaysText(const nlohmann::json& entry, const char* member, const std::string& text) {
  if (!entry.is_object()) return false;
  const auto found = entry.find(member);
  return found != entry.end() && found->is_string() && found->get_ref<const std::string&>() == text;
}

}  // namespace

StartupTaint::StartupTaint(NodeObjects& objects, std::string driver, std::string key)
    : objects_(objects),
      driver_(std::move(driver)),
      key_(std::move(key)),
      api_(objects.transport()),
      changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<std::unique_ptr<StartupTaint>> StartupTaint::Start(NodeObjects& objects, std::string driver,
                                                          std::string key) {
  std::unique_ptr<StartupTaint> taint(new StartupTaint(objects, std::move(driver), std::move(key)));
  if (!taint->changed_) return Fail(ErrnoError(errno, "eventfd"));
  taint->subscription_ = objects.nodes().Subscribe(
      {"Node", "", objects.node_name(), ""},
      [fd = taint->changed_.get()](const ObjectPtr&) { eventfd_write(fd, 1); });
  auto thread =
      StoppableThread::Start("startup-taint", [self = taint.get()](int stop) { self->Run(stop); });
  if (!thread) return Fail(std::move(thread.error()));
  taint->thread_ = std::move(*thread);
  return taint;
}

StartupTaint::~StartupTaint() {
  cancel_.Cancel();
  thread_.Stop();
}

void StartupTaint::Run(int stop) {
  objects_.RequireNode();
  auto pause = kFirstPause;
  for (;;) {
    // Before the look, so that what changes during it is looked at again.
    eventfd_t changes = 0;
    eventfd_read(changed_.get(), &changes);
    const auto settled = Settle();
    if (settled) {
      failures_ = 0;
    } else {
      Report(settled.error());
    }
    const bool over = settled && *settled;
    pollfd fds[] = {{stop, POLLIN, 0}, {changed_.get(), POLLIN, 0}};
    // A node's status changes often; while we wait for something else, that is no reason to ask.
    poll(fds, over ? 2 : 1, over ? kUntilItChanges : static_cast<int>(pause.count()));
    if (fds[0].revents != 0) return;
    pause = over ? kFirstPause : std::min(pause * 2, kLongestPause);
  }
}

Result<bool> StartupTaint::Settle() {
  const ObjectPtr node = objects_.nodes().Get({"Node", "", objects_.node_name(), ""});
  if (!node) return true;
  const nlohmann::json taints = ArrayOfSpec(node->Json(), "taints");
  nlohmann::json others = nlohmann::json::array();
  for (const nlohmann::json& taint : taints) {
    if (!SaysText(taint, "key", key_)) others.push_back(taint);
  }
  if (others.size() == taints.size()) return true;
  auto registered = IsRegistered();
  if (!registered || !*registered) return registered;

  // Fails if somebody changes the taints meanwhile, and only then: a node's status changes often.
  const nlohmann::json patch = nlohmann::json::array(
      {{{"op", "test"}, {"path", "/spec/taints"}, {"value", taints}},
       {{"op", "replace"}, {"path", "/spec/taints"}, {"value", std::move(others)}}});
  client::ResourcePath path;
  path.resource = "nodes";
  path.name = objects_.node_name();
  auto answer = api_.Patch(path, client::PatchType::kJson,
                           patch.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), {},
                           &cancel_);
  if (!answer) return Fail(std::move(answer.error().error));
  LogInfo("the startup taint is off the node",
          {{log_keys::kTaint, key_}, {log_keys::kNode, objects_.node_name()}});
  return true;
}

Result<bool> StartupTaint::IsRegistered() {
  client::ResourcePath path;
  path.group = "storage.k8s.io";
  path.resource = "csinodes";
  path.name = objects_.node_name();
  auto found = api_.Get(path, &cancel_);
  if (!found) {
    if (found.error().status == 404) return false;  // the kubelet makes it
    return Fail(std::move(found.error().error));
  }
  const nlohmann::json drivers = ArrayOfSpec(*found, "drivers");
  return std::any_of(drivers.begin(), drivers.end(), [this](const nlohmann::json& driver) {
    return SaysText(driver, "name", driver_);
  });
}

void StartupTaint::Report(const Error& error) {
  if (cancel_.cancelled()) return;
  failures_ = error.message == failure_ ? failures_ + 1 : 1;
  failure_ = error.message;
  if (failures_ == 2) {
    LogWarning("the startup taint stays on the node",
               {{log_keys::kTaint, key_}, {log_keys::kError, error.message}});
  }
}

}  // namespace downwardfs
