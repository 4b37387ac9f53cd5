// SPDX-License-Identifier: Apache-2.0
// The plugin's HTTP endpoint: what its pages say of volumes, of the watch and of a daemon's death.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/owned_fd.h"
#include "base/tcp_listener.h"
#include "tests/csi/csi_fixture.h"
#include "tests/support/read_to_end.h"

namespace downwardfs::testing {
namespace {

class CsiMetricsTest : public CsiTest {
 protected:
  CsiMetricsTest() {
    // Free a moment ago.
    auto listener = ListenAtAddress("127.0.0.1:0");
    EXPECT_TRUE(listener);
    socklen_t size = sizeof at_;
    getsockname(listener->get(), reinterpret_cast<sockaddr*>(&at_), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(at_.sin_port));
  }

  // The whole answer; empty where nobody listens.
  std::string Get(const std::string& path) const {
    const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&at_), sizeof at_) != 0) return "";
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    return ReadToEnd(fd);
  }
  // The value of the sample, by its name and labels; empty if it is missing.
  std::string Value(const std::string& sample) const {
    const std::string page = Get("/metrics");
    const auto at = page.find("\n" + sample + " ");
    if (at == std::string::npos) return "";
    const auto begin = at + sample.size() + 2;
    return page.substr(begin, page.find('\n', begin) - begin);
  }
  bool Becomes(const std::string& sample, const std::string& value) const {
    return Eventually([&] { return Value(sample) == value; });
  }

  sockaddr_in at_ = {};
  std::string address_;
};

TEST_F(CsiMetricsTest, ThePageFollowsVolumesAndCalls) {
  StartPlugin({"--metrics-address", address_});
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  EXPECT_THAT(Get("/metrics"),
              HasSubstr("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
  EXPECT_EQ(Value("downwardfs_ready"), "1");
  EXPECT_EQ(Value("downwardfs_volumes{state=\"current\"}"), "0");
  EXPECT_EQ(Value("downwardfs_watch_connected{resource=\"pods\"}"), "1");

  const PublishCall call = Published();
  EXPECT_EQ(Value("downwardfs_volumes{state=\"current\"}"), "1");
  EXPECT_EQ(Value("downwardfs_csi_call_duration_seconds_count{grpc_status_code=\"OK\","
                  "method=\"NodePublishVolume\"}"),
            "1");
  Label("new");
  EXPECT_TRUE(Shows(call.target_path, "tick", "new"));
  EXPECT_TRUE(Eventually([&] { return Value("downwardfs_update_duration_seconds_count") != "0"; }));
  EXPECT_NE(Value("downwardfs_fuse_requests_total{kind=\"LOOKUP\"}"), "0");
  EXPECT_NE(Value("downwardfs_content_bytes"), "");
  EXPECT_NE(Value("process_resident_memory_bytes"), "");

  PublishCall wrong = CallFor();
  wrong.context["items"] = "- {path: x}";
  wrong.volume_id = "other";
  wrong.target_path = Target("web", "second");
  EXPECT_FALSE(client().Publish(wrong).ok());
  EXPECT_EQ(Value("downwardfs_csi_call_duration_seconds_count{grpc_status_code="
                  "\"INVALID_ARGUMENT\",method=\"NodePublishVolume\"}"),
            "1");

  const std::string requests = Value("downwardfs_fuse_requests_total{kind=\"LOOKUP\"}");
  ASSERT_TRUE(client().Unpublish(call.volume_id, call.target_path).ok());
  EXPECT_TRUE(Becomes("downwardfs_volumes{state=\"current\"}", "0"));
  // A counter never falls.
  EXPECT_GE(std::stol(Value("downwardfs_fuse_requests_total{kind=\"LOOKUP\"}")),
            std::stol(requests));
}

TEST_F(CsiMetricsTest, ThePagesNameNoPodNoPathAndNoServer) {
  StartPlugin({"--metrics-address", address_});
  ASSERT_TRUE(client().Publish(CallFor()).ok());
  server_->Stop();
  ASSERT_TRUE(Becomes("downwardfs_watch_connected{resource=\"pods\"}", "0"));
  for (const char* const path : {"/metrics", "/healthz", "/readyz"}) {
    const std::string page = Get(path);
    EXPECT_THAT(page, Not(HasSubstr("web"))) << path;
    EXPECT_THAT(page, Not(HasSubstr(kubelet_))) << path;
    EXPECT_THAT(page, Not(HasSubstr("127.0.0.1"))) << path;
  }
}

TEST_F(CsiMetricsTest, DashboardAlertsAndDocumentsNameWhatIsExported) {
  StartPlugin({"--metrics-address", address_});
  ASSERT_TRUE(client().Publish(CallFor()).ok());
  const std::string page = Get("/metrics");
  const std::string body = page.substr(page.find("\r\n\r\n") + 4);
  ASSERT_THAT(body, HasSubstr("downwardfs_csi_call_duration_seconds_count"));
  const auto check = [](const std::string& file) {
    return RunProgram({"/usr/bin/python3", PROJECT_DIR "/tests/deploy/metrics_check", file});
  };
  const auto run = check(dir_.Write("metrics", body));
  EXPECT_EQ(run.exit_code, 0) << run.err;

  // The check does find a metric that has another name.
  std::string other = body;
  for (std::size_t at; (at = other.find("downwardfs_ready")) != std::string::npos;) {
    other.replace(at, 16, "downwardfs_rdy");
  }
  const auto wrong = check(dir_.Write("other", other));
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("dashboard, Nodes not ready: no metric downwardfs_ready\n"));
  EXPECT_THAT(wrong.err,
              HasSubstr("alerts.yaml, DownwardfsNotReady: no metric downwardfs_ready\n"));
  EXPECT_THAT(wrong.err, HasSubstr("docs/metrics.md has no downwardfs_rdy\n"));
}

TEST_F(CsiMetricsTest, ReadinessIsThatOfTheProbe) {
  StartPlugin({"--metrics-address", address_});
  ASSERT_TRUE(Eventually([&] { return client().Probe() == "ready"; }));
  EXPECT_THAT(Get("/readyz"), HasSubstr("200 OK"));
  server_->Stop();
  EXPECT_TRUE(Eventually([&] { return client().Probe() != "ready"; }));
  EXPECT_THAT(Get("/readyz"), HasSubstr("503 Service Unavailable"));
  EXPECT_THAT(Get("/healthz"), HasSubstr("200 OK"));
  EXPECT_EQ(Value("downwardfs_ready"), "0");
}

TEST_F(CsiMetricsTest, TheNextDaemonAnswersAndCountsTheDeath) {
  StartPlugin({"--metrics-address", address_});
  ASSERT_TRUE(client().Publish(CallFor()).ok());
  const std::string deaths = Value("downwardfs_daemon_deaths_total");
  ASSERT_EQ(deaths, "0");
  Kill("downwardfs-csi");
  EXPECT_TRUE(Becomes("downwardfs_daemon_deaths_total", "1"));
  EXPECT_TRUE(Becomes("downwardfs_volumes{state=\"current\"}", "1"));
}

TEST_F(CsiMetricsTest, APortThatIsTakenCostsTheMetricsAlone) {
  const auto taken = ListenAtAddress(address_);
  ASSERT_TRUE(taken);
  StartPlugin({"--metrics-address", address_});
  EXPECT_TRUE(client().Publish(CallFor()).ok());
  EXPECT_TRUE(plugin_->Said(address_));
}

TEST_F(CsiMetricsTest, AWrongAddressIsRefusedBeforeAnythingStarts) {
  const auto run = Downwardfs(
      {"csi", "--node-id", "node1", "--kubelet-dir", kubelet_, "--metrics-address", "localhost"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--metrics-address \"localhost\": is not HOST:PORT"));
}

}  // namespace
}  // namespace downwardfs::testing
