// SPDX-License-Identifier: Apache-2.0
#include "tests/support/event_log.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace downwardfs::testing {
namespace {

constexpr std::pair<std::uint32_t, const char*> kNames[] = {
    {IN_MODIFY, "MODIFY"},           {IN_ATTRIB, "ATTRIB"},   {IN_MOVED_FROM, "MOVED_FROM"},
    {IN_MOVED_TO, "MOVED_TO"},       {IN_CREATE, "CREATE"},   {IN_DELETE, "DELETE"},
    {IN_DELETE_SELF, "DELETE_SELF"}, {IN_UNMOUNT, "UNMOUNT"}, {IN_IGNORED, "IGNORED"},
    {IN_Q_OVERFLOW, "Q_OVERFLOW"},   {IN_ISDIR, "ISDIR"},     {IN_CLOSE_WRITE, "CLOSE_WRITE"},
};

std::string Describe(const inotify_event& event) {
  std::string out;
  for (const auto& [bit, name] : kNames) {
    if ((event.mask & bit) != 0) out += (out.empty() ? "" : ",") + std::string(name);
  }
  return event.len == 0 ? out : out + " " + event.name;
}

}  // namespace

EventLog::EventLog(const std::string& path, std::uint32_t mask)
    : fd_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  EXPECT_GE(inotify_add_watch(fd_.get(), path.c_str(), mask), 0) << path;
}

std::uint32_t EventLog::Changes() {
  return IN_MODIFY | IN_ATTRIB | IN_MOVE | IN_CREATE | IN_DELETE | IN_DELETE_SELF;
}

std::vector<std::string> EventLog::Until(
    const std::function<bool(const std::vector<std::string>&)>& enough) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  alignas(inotify_event) char buffer[16384];
  while (!enough(events_) && std::chrono::steady_clock::now() < deadline) {
    pollfd poll_fd = {fd_.get(), POLLIN, 0};
    if (poll(&poll_fd, 1, 100) <= 0) continue;
    const ssize_t n = read(fd_.get(), buffer, sizeof buffer);
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      events_.push_back(Describe(*event));
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  return std::exchange(events_, {});
}

std::vector<std::string> EventLog::UntilLast(const std::string& last) {
  return Until([&](const std::vector<std::string>& events) {
    return std::find(events.begin(), events.end(), last) != events.end();
  });
}

}  // namespace downwardfs::testing
