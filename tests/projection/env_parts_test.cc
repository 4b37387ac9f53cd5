// SPDX-License-Identifier: Apache-2.0
// The parts that an environment takes from Services, from files of volumes, and from a resize that
// waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fs/projection/env.h"
#include "fs/projection/env_file.h"
#include "fs/projection/env_services.h"
#include "fs/projection/pod_allocation.h"

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json JsonOf(std::string_view text) {
  auto parsed = ParseJson(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Json());
}

Json Service(const std::string& ns, const std::string& name, const std::string& ip,
             const std::string& ports = R"([{"port":80}])") {
  return JsonOf(R"({"metadata":{"name":")" + name + R"(","namespace":")" + ns +
                R"("},"spec":{"clusterIP":")" + ip + R"(","ports":)" + ports + "}}");
}

// Rule: pkg/kubelet/envvars.
TEST(ServiceVariablesTest, HostPortsAndDockersLinks) {
  const auto variables = ServiceVariables(
      {Service(
          "shop", "my-db", "fd00::1",
          R"([{"name":"pg-main","port":5432,"protocol":"TCP"},{"name":"x","port":53,"protocol":"UDP"}])")},
      "shop", true);
  ASSERT_TRUE(variables);
  EXPECT_EQ(*variables, (EnvMap{{"MY_DB_SERVICE_HOST", "fd00::1"},
                                {"MY_DB_SERVICE_PORT", "5432"},
                                {"MY_DB_SERVICE_PORT_PG_MAIN", "5432"},
                                {"MY_DB_SERVICE_PORT_X", "53"},
                                {"MY_DB_PORT", "tcp://[fd00::1]:5432"},
                                {"MY_DB_PORT_5432_TCP", "tcp://[fd00::1]:5432"},
                                {"MY_DB_PORT_5432_TCP_PROTO", "tcp"},
                                {"MY_DB_PORT_5432_TCP_PORT", "5432"},
                                {"MY_DB_PORT_5432_TCP_ADDR", "fd00::1"},
                                {"MY_DB_PORT_53_UDP", "udp://[fd00::1]:53"},
                                {"MY_DB_PORT_53_UDP_PROTO", "udp"},
                                {"MY_DB_PORT_53_UDP_PORT", "53"},
                                {"MY_DB_PORT_53_UDP_ADDR", "fd00::1"}}));
}

// Rule: getServiceEnvVarMap.
TEST(ServiceVariablesTest, WhichServicesAPodSees) {
  const std::vector<Json> services = {
      Service("default", "kubernetes", "10.0.0.1"), Service("default", "web", "10.0.0.2"),
      Service("shop", "db", "10.0.0.3"), Service("shop", "headless", "None"),
      Service("shop", "external", "")};
  const auto hosts = [](const std::vector<Json>& all, bool links) {
    std::vector<std::string> found;
    const auto variables = ServiceVariables(all, "shop", links);
    for (const auto& [name, value] : variables.value()) {
      if (name.find("_SERVICE_HOST") != std::string::npos) found.push_back(name + "=" + value);
    }
    return found;
  };
  EXPECT_THAT(hosts(services, true),
              ElementsAre("DB_SERVICE_HOST=10.0.0.3", "KUBERNETES_SERVICE_HOST=10.0.0.1"));
  EXPECT_THAT(hosts(services, false), ElementsAre("KUBERNETES_SERVICE_HOST=10.0.0.1"));
  EXPECT_THAT(hosts({Service("shop", "kubernetes", "10.9.9.9"), services[0]}, true),
              ElementsAre("KUBERNETES_SERVICE_HOST=10.9.9.9"));
}

class OneService final : public EnvObjects {
 public:
  Result<Data> ConfigMap(const std::string&, const std::string&) override { return Data(); }
  Result<Data> Secret(const std::string&, const std::string&) override { return Data(); }
  Result<std::vector<Json>> Services(const std::string&, bool links) override {
    asked_for_links = links;
    return std::vector<Json>{Service("default", "kubernetes", "10.0.0.1")};
  }
  bool asked_for_links = false;
};

TEST(ServiceEnvTest, ReferencesExpandAndDeclaredVariablesWin) {
  const Json pod = JsonOf(R"j({"metadata":{"namespace":"shop"},"spec":{"enableServiceLinks":false,
      "containers":[{"name":"c","env":[
        {"name":"URL","value":"$(KUBERNETES_SERVICE_HOST):$(KUBERNETES_SERVICE_PORT)"},
        {"name":"KUBERNETES_PORT","value":"mine"}]}]}})j");
  OneService services;
  EnvOptions options;
  auto plain = ResolveEnv(pod, "c", nullptr, &services, options);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->front().value, "$(KUBERNETES_SERVICE_HOST):$(KUBERNETES_SERVICE_PORT)");
  EXPECT_EQ(plain->size(), 2U);
  options.service_env = true;
  services.asked_for_links = true;
  auto full = ResolveEnv(pod, "c", nullptr, &services, options);
  ASSERT_TRUE(full);
  EXPECT_FALSE(services.asked_for_links);
  EXPECT_EQ(full->front().value, "10.0.0.1:80");
  EXPECT_EQ((*full)[1].value, "mine");
  EXPECT_EQ(full->size(), 2U + 6U) << "KUBERNETES_PORT comes once";
  const auto without = ResolveEnv(pod, "c", nullptr, nullptr, options);
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("--service-env"));
}

// Rule: pkg/kubelet/util/env, as of the beta.
TEST(ValueInEnvFileTest, QuotedValuesOnly) {
  const std::string_view file =
      "# comment\n\n  A='one'\n\tB='$X \\n it''\nC= 'x'\nD='two\nlines' # why\r\nE=''\nA='again'\n";
  const std::string_view good =
      "# comment\n\n  A='one'\nC= 'x'\nD='two\nlines' # why\r\nE=''\nF='last'";
  EXPECT_EQ(ValueInEnvFile(good, "A"), "one");
  EXPECT_EQ(ValueInEnvFile(good, "D"), "two\nlines");
  EXPECT_EQ(ValueInEnvFile(good, "F"), "last");
  for (const std::string_view absent : {"C", "E", "X", "a"}) {
    EXPECT_EQ(ValueInEnvFile(good, absent).error().code, ErrorCode::kNotFound) << absent;
  }
  EXPECT_EQ(ValueInEnvFile(file, "A"), "one") << "what follows the key is not judged";
  EXPECT_THAT(ValueInEnvFile(file, "D").error().message,
              HasSubstr("line 4: only a comment may follow"));
  const std::pair<std::string_view, std::string_view> bad[] = {
      {"A", "line 1: has no '='"},
      {"\n='x'", "line 2: has no name"},
      {"A ='x'", "white space may stand before"},
      {"A=x", "must stand in single quotes"},
      {"A=\"x\"", "must stand in single quotes"},
      {"B='x\ny", "line 1: the single quote is not closed"},
  };
  for (const auto& [text, message] : bad) {
    const auto value = ValueInEnvFile(text, "Z");
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(value.error().message, HasSubstr(std::string(message))) << text;
  }
}

class OneFile final : public EnvFiles {
 public:
  Result<std::string> Read(const std::string& volume, const std::string& path) override {
    asked = volume + ":" + path;
    return content;
  }
  Result<std::string> content = std::string("K='v'\n");
  std::string asked;
};

TEST(FileKeyRefTest, IsReadWhereItCanBeReached) {
  const auto pod = [](const std::string& ref) {
    return JsonOf(R"j({"spec":{"volumes":[{"name":"cfg","emptyDir":{}},{"name":"h","hostPath":{}}],
        "containers":[{"name":"c","env":[{"name":"A","value":"before"},
          {"name":"A","valueFrom":{"fileKeyRef":)j" +
                  ref + "}}]}]}}");
  };
  const auto resolve = [](const Json& of, EnvFiles* files) {
    auto variables = ResolveEnv(of, "c", nullptr, nullptr, {}, files);
    return variables ? variables->front().value : "error: " + variables.error().message;
  };
  const std::string ref = R"("volumeName":"cfg","path":"d/a.env","key":)";
  OneFile files;
  EXPECT_EQ(resolve(pod("{" + ref + R"("K"})"), &files), "v");
  EXPECT_EQ(files.asked, "cfg:d/a.env");
  EXPECT_THAT(resolve(pod("{" + ref + R"("L"})"), &files), HasSubstr("no such key"));
  EXPECT_EQ(resolve(pod("{" + ref + R"("L","optional":true})"), &files), "before");
  files.content = Fail(ErrorCode::kNotFound, "no file");
  EXPECT_THAT(resolve(pod("{" + ref + R"("K","optional":true})"), &files), HasSubstr("no file"));
  EXPECT_THAT(resolve(pod("{" + ref + R"("K"})"), nullptr),
              HasSubstr(R"(file "d/a.env" of the volume "cfg", key "K")"));
  const std::pair<std::string, std::string> bad[] = {
      {R"({"path":"a","key":"K"})", "volumeName is required"},
      {R"({"volumeName":"h","path":"a","key":"K"})", "must be an emptyDir"},
      {R"({"volumeName":"x","path":"a","key":"K"})", "no such volume"},
      {R"({"volumeName":"cfg","path":"a/../b","key":"K"})", "must not contain '..'"},
      {R"({"volumeName":"cfg","path":"a","key":"K=L"})", "printable ASCII"},
  };
  for (const auto& [text, message] : bad) {
    EXPECT_THAT(resolve(pod(text), &files), HasSubstr(message)) << text;
  }
}

// Rule: the kubelet starts containers from UpdatePodFromAllocation.
TEST(AllocatedPodTest, EnvIsOfWhatIsAllocatedWhileAResizeWaits) {
  Json pod = JsonOf(R"j({"spec":{"containers":[{"name":"c","resources":{
        "requests":{"cpu":"500m"},"limits":{"cpu":"800m"}},"env":[
        {"name":"L","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"}}},
        {"name":"R","valueFrom":{"resourceFieldRef":{"resource":"requests.cpu","divisor":"1m"}}}]}]},
      "status":{"containerStatuses":[{"name":"c","allocatedResources":{"cpu":"300m"},
        "resources":{"requests":{"cpu":"300m"},"limits":{"cpu":"500m"}}}]}})j");
  const auto both = [&] {
    const auto variables = ResolveEnv(pod, "c", nullptr, nullptr);
    return variables->at(0).value + " " + variables->at(1).value;
  };
  EXPECT_EQ(both(), "500 300") << "by the requests";
  Json& status = pod["status"]["containerStatuses"][0];
  status["allocatedResources"]["cpu"] = "0.5";
  EXPECT_EQ(both(), "800 500") << "allocated; the limits are only not actuated yet";
  pod["status"]["conditions"] =
      JsonOf(R"([{"type":"PodResizePending","status":"True","reason":"Deferred"}])");
  EXPECT_EQ(both(), "500 500") << "only the limits are to be resized";
  pod["status"].erase("conditions");
  pod["status"]["resize"] = "Infeasible";
  EXPECT_EQ(both(), "500 500");
  pod.erase("status");
  EXPECT_EQ(both(), "800 500");
  EXPECT_FALSE(AllocatedPod(pod));
}

}  // namespace
}  // namespace downwardfs
