// SPDX-License-Identifier: Apache-2.0
#include "tests/csi/csi_fixture.h"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "mount-helper/mount_table.h"

namespace downwardfs::testing {
namespace {

constexpr char kSpec[] = R"("serviceAccountName":"reader","containers":[{"name":"main"}],)"
                         R"("volumes":[{"name":"ours","csi":{"driver":"csi.downwardfs.dev"}},)"
                         R"({"name":"second","csi":{"driver":"csi.downwardfs.dev"}},)"
                         R"({"name":"other","csi":{"driver":"csi.example.com"}}])";

struct ProcessLine {
  pid_t parent = 0;
  std::string name;
};

// The line of /proc about a process; parent 0 if it is gone.
ProcessLine Look(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  ProcessLine out;
  out.name = line.substr(open + 1, close - open - 1);
  char state = 0;
  std::istringstream(line.substr(close + 1)) >> state >> out.parent;
  if (state == 'Z') out.parent = 0;
  return out;
}

bool IsOurs(pid_t pid) {
  for (int i = 0; i < 10 && pid > 1; ++i) {
    if (pid == getpid()) return true;
    pid = Look(pid).parent;
  }
  return false;
}

}  // namespace

CsiTest::CsiTest()
    : server_(std::make_unique<FakeApiServer>(FakeApiServer::Options{.tls = false})),
      plugin_dir_(kubelet_ + "/plugins/" + kDriver),
      socket_(plugin_dir_ + "/csi.sock"),
      registration_(kubelet_ + "/plugins_registry/" + kDriver + "-reg.sock") {
  std::filesystem::create_directories(kubelet_ +
                                      "/plugins");  // the driver's own is not its to make
  std::filesystem::create_directories(kubelet_ + "/plugins_registry");
  server_->PutObject("nodes", "", "node1", {}, "zone-a");
  Label("one");
}

CsiTest::~CsiTest() {
  client_.reset();
  plugin_.reset();
  holder_.reset();
  auto table = ReadFile("/proc/self/mountinfo");
  for (const MountEntry& mount : ParseMountInfo(table.value_or(""))) {
    if (mount.mount_point.rfind(dir_.path(), 0) == 0) {
      umount2(mount.mount_point.c_str(), MNT_DETACH);
    }
  }
}

void CsiTest::Label(const std::string& value, const std::string& pod) {
  server_->PutObject("pods", "default", pod, {.spec = kSpec}, value);
}

std::string CsiTest::UidOf(const std::string& pod) const {
  for (const std::string& line : server_->Pods()) {
    std::istringstream words(line);
    std::string name, uid;
    words >> name >> uid;
    if (name == "default/" + pod) return uid;
  }
  return "";
}

void CsiTest::StartPlugin(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"csi",      "--node-id",     "node1",
                                    "--server", server_->url(),  "--kubelet-dir",
                                    kubelet_,   "--driver-name", kDriver};
  words.insert(words.end(), more.begin(), more.end());
  plugin_.emplace(std::move(words), dir_ / "plugin.log");
}

void CsiTest::StartWithoutKubelet(const std::string& socket) {
  plugin_.emplace(std::vector<std::string>{"csi", "--node-id", "node1", "--server", server_->url(),
                                           "--endpoint", "unix://" + socket},
                  dir_ / "plugin.log");
  client_.emplace(socket);
}

void CsiTest::StartHolder() {
  holder_.emplace(std::vector<std::string>{"--serve", plugin_dir_ + "/holder.sock", "--kubelet-dir",
                                           kubelet_, "--driver-name", kDriver},
                  dir_ / "holder.log", HOLDER_BINARY);
}

void CsiTest::StartAttached() {
  StartPlugin({"--holder-socket", plugin_dir_ + "/holder.sock"});
}

void CsiTest::StopPlugin(int signal) {
  if (plugin_) plugin_->Wait(signal);
  plugin_.reset();
}

InlineVolume CsiTest::VolumeOf(const std::string& pod, const std::string& volume) const {
  return {.kubelet = kubelet_,
          .pod = pod,
          .uid = UidOf(pod),
          .volume = volume,
          .driver = volume == "other" ? "csi.example.com" : kDriver,
          .account = "reader"};
}

std::string CsiTest::Target(const std::string& pod, const std::string& volume) const {
  return CallFor(pod, volume).target_path;
}

PublishCall CsiTest::CallFor(const std::string& pod, const std::string& volume) const {
  return VolumeOf(pod, volume).Call(kItems);
}

PublishCall CsiTest::Published(const std::string& pod, const std::string& volume) {
  PublishCall call = CallFor(pod, volume);
  const CsiAnswer answer = client().Publish(call);
  EXPECT_TRUE(answer.ok()) << answer.message;
  return call;
}

CsiClient& CsiTest::client() {
  if (!client_) client_.emplace(socket_);
  return *client_;
}

int CsiTest::MountsAt(const std::string& path) {
  auto table = ReadFile("/proc/self/mountinfo");
  const auto mounts = ParseMountInfo(table.value_or(""));
  return static_cast<int>(std::count_if(
      mounts.begin(), mounts.end(), [&](const MountEntry& m) { return m.mount_point == path; }));
}

pid_t CsiTest::Kill(const std::string& name) {
  const pid_t pid = Find(name);
  EXPECT_TRUE(pid != 0 && kill(pid, SIGKILL) == 0) << name;
  return pid;
}

bool CsiTest::IsUp() {
  return Eventually([&] {
    return RunProgram({HOLDER_BINARY, "--probe", plugin_dir_ + "/holder.sock"}).exit_code == 0;
  });
}

void CsiTest::ExpectItEnds(const PublishCall& call) {
  EXPECT_EQ(MountsAt(call.target_path), 1);
  EXPECT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
  EXPECT_EQ(MountsAt(call.target_path), 0);
}

bool CsiTest::Shows(const std::string& target, const std::string& file,
                    const std::string& content) const {
  return Eventually([&] { return ReadFile(target + "/" + file).value_or("") == content; });
}

pid_t CsiTest::Find(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string text = entry.path().filename();
    if (text.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(text);
    const ProcessLine line = Look(pid);
    if (line.parent != 0 && line.name == name.substr(0, 15) && IsOurs(pid)) return pid;
  }
  return 0;
}

std::string CsiTest::StatusField(const std::string& target, const std::string& key) {
  const Outcome outcome = Downwardfs({"status", target, "--format", "json"});
  const auto json = nlohmann::json::parse(outcome.out, nullptr, false);
  return json.is_object() && json.contains(key) ? json[key].dump() : outcome.err;
}

}  // namespace downwardfs::testing
