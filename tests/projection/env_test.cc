// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fs/projection/env_expand.h"

namespace downwardfs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Json Parsed(std::string_view text) {
  auto parsed = ParseJson(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Json();
}

// A pod whose container "main" has these lists.
Json PodWith(const std::string& env, const std::string& env_from = "[]") {
  return Parsed(R"j({"metadata":{"name":"web-0","namespace":"shop","labels":{"app":"web"}},
    "spec":{"nodeName":"n1","serviceAccountName":"sa","containers":[
      {"name":"side","resources":{"limits":{"cpu":"2"}}},
      {"name":"main","resources":{"requests":{"cpu":"250m"},"limits":{"memory":"64Mi"}},
       "env":)j" +
                env + R"j(,"envFrom":)j" + env_from + R"j(}],
      "initContainers":[{"name":"init","env":[{"name":"I","value":"1"}]}],
      "ephemeralContainers":[{"name":"debug","env":[{"name":"D","value":"1"}]}]},
    "status":{"phase":"Running","hostIP":"10.0.0.1","podIP":"10.1.0.1",
      "podIPs":[{"ip":"10.1.0.1"},{"ip":"fd00::1"}]}})j");
}

class FakeObjects final : public EnvObjects {
 public:
  Result<Data> ConfigMap(const std::string& ns, const std::string& name) override {
    return Find("ConfigMap " + ns + "/" + name);
  }
  Result<Data> Secret(const std::string& ns, const std::string& name) override {
    return Find("Secret " + ns + "/" + name);
  }
  Result<std::vector<Json>> Services(const std::string&, bool links) override {
    asked_for_links = links;
    return services;
  }

  std::map<std::string, Data> objects;
  std::map<std::string, ErrorCode> failures;
  int requests = 0;
  std::vector<Json> services;
  std::optional<bool> asked_for_links;

 private:
  Result<Data> Find(const std::string& key) {
    ++requests;
    if (const auto failure = failures.find(key); failure != failures.end()) {
      return Fail(failure->second, "refused");
    }
    const auto found = objects.find(key);
    if (found == objects.end()) return Fail(ErrorCode::kNotFound, "no such object");
    return found->second;
  }
};

class EnvTest : public ::testing::Test {
 protected:
  // "A=1 B=2" as a list, or the error's message.
  std::vector<std::string> Resolve(const Json& pod, std::string_view container = "main") {
    auto vars = ResolveEnv(pod, container, node_ ? &*node_ : nullptr, objects(), options_);
    if (!vars) return {"error: " + vars.error().message};
    std::vector<std::string> lines;
    for (const EnvVar& var : *vars) lines.push_back(var.name + "=" + var.value);
    return lines;
  }
  EnvObjects* objects() { return with_objects_ ? &fake_ : nullptr; }

  std::optional<Json> node_;
  FakeObjects fake_;
  bool with_objects_ = true;
  EnvOptions options_;
};

// Rule: third_party/forked/golang/expansion.
TEST(ExpandEnvTest, References) {
  const EnvMap vars = {{"A", "1"}, {"B", "$(A)"}, {"", "empty"}, {"X(Y", "odd"}};
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"x", "x"},
      {"$(A)", "1"},
      {"x$(A)y$(A)", "x1y1"},
      {"$(B)", "$(A)"},
      {"$(C)", "$(C)"},
      {"$$(A)", "$(A)"},
      {"$$$(A)", "$1"},
      {"$$$$(A)", "$$(A)"},
      {"$A", "$A"},
      {"${A}", "${A}"},
      {"$", "$"},
      {"$$", "$"},
      {"$(A", "$(A"},
      {"$(", "$("},
      {"$()", "empty"},
      {"$(X(Y)", "odd"},
      {"$($(A))", "$($(A))"},
      {"$x$(A)", "$x1"},
      {"a$(A)$", "a1$"},
      {"$\xc3\xa9$", "$\xc3\xa9$"},
      {"$\xe6\xbc\xa2$(A)",
       "$\xe6\xbc\xa2"
       "1"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(ExpandEnv(in, vars), out) << in;
}

TEST_F(EnvTest, ReferencesSeeOnlyWhatWasDeclaredBefore) {
  EXPECT_THAT(Resolve(PodWith(R"j([{"name":"A","value":"$(B)"},{"name":"B","value":"b"},
                                  {"name":"C","value":"$(B)$(A)"}])j")),
              ElementsAre("A=$(B)", "B=b", "C=b$(B)"));
}

TEST_F(EnvTest, LastDuplicateWinsAtTheFirstPlace) {
  EXPECT_THAT(Resolve(PodWith(R"j([{"name":"A","value":"1"},{"name":"B","value":"2"},
                                  {"name":"A","value":"$(A)3"}])j")),
              ElementsAre("A=13", "B=2"));
}

TEST_F(EnvTest, AnEmptyValueLetsValueFromIn) {
  EXPECT_THAT(Resolve(PodWith(R"j([{"name":"A","value":"v"},
      {"name":"B","value":"","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
      {"name":"C"},{"name":"D","value":null,"valueFrom":null}])j")),
              ElementsAre("A=v", "B=web-0", "C=", "D="));
}

TEST_F(EnvTest, FieldRefs) {
  const auto pod = PodWith(R"j([
      {"name":"A","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.labels['app']"}}},
      {"name":"B","valueFrom":{"fieldRef":{"fieldPath":"status.podIPs"}}},
      {"name":"C","valueFrom":{"fieldRef":{"fieldPath":"spec.host"}}},
      {"name":"D","valueFrom":{"fieldRef":{"fieldPath":"status.phase"}}},
      {"name":"E","value":"$(A)"}])j");
  EXPECT_THAT(Resolve(pod),
              ElementsAre("A=web", "B=10.1.0.1,fd00::1", "C=n1", "D=Running", "E=web"));
}

TEST_F(EnvTest, ResourceFieldRefsAreOfThisContainerUnlessAnotherIsNamed) {
  EXPECT_THAT(Resolve(PodWith(R"j([
      {"name":"A","valueFrom":{"resourceFieldRef":{"resource":"requests.cpu","divisor":"1m"}}},
      {"name":"B","valueFrom":{"resourceFieldRef":{"resource":"limits.memory"}}},
      {"name":"C","valueFrom":{"resourceFieldRef":{"containerName":"side","resource":"limits.cpu"}}}
      ])j")),
              ElementsAre("A=250", "B=67108864", "C=2"));
}

TEST_F(EnvTest, LimitThatIsUnsetNeedsTheNode) {
  const auto pod = PodWith(R"j([{"name":"A","valueFrom":{"resourceFieldRef":
      {"resource":"limits.cpu"}}},{"name":"B","value":"$(A)"}])j");
  EXPECT_THAT(Resolve(pod), ElementsAre(HasSubstr("env A: resourceFieldRef")));
  options_.skip_unresolved = true;
  EXPECT_THAT(Resolve(pod), ElementsAre("B=$(A)"));
  node_ = Parsed(R"j({"status":{"allocatable":{"cpu":"4"}}})j");
  EXPECT_THAT(Resolve(pod), ElementsAre("A=4", "B=4"));
}

TEST_F(EnvTest, EnvFromComesFirstAndEnvOverridesIt) {
  fake_.objects["ConfigMap shop/cm"] = {{"A", "from"}, {"Z", "z"}, {"1bad", "x"}, {"..", "x"}};
  fake_.objects["Secret shop/s"] = {{"Z", "secret"}, {"k.e-y", "s"}};
  EXPECT_THAT(Resolve(PodWith(R"j([{"name":"B","value":"$(P_Z)"},{"name":"A","value":"own"}])j",
                              R"j([{"configMapRef":{"name":"cm"}},
                                  {"prefix":"P_","secretRef":{"name":"s"}},
                                  {"secretRef":{"name":"s"}}])j")),
              ElementsAre("B=secret", "A=own", "..=x", "1bad=x", "P_Z=secret", "P_k.e-y=s",
                          "Z=secret", "k.e-y=s"));
  EXPECT_EQ(fake_.requests, 2) << "each object is asked for once";
}

// Rule: RelaxedEnvironmentVariableValidation, on since 1.32.
TEST_F(EnvTest, NamesArePrintableAsciiButTheEqualsSign) {
  fake_.objects["ConfigMap shop/cm"] = {{"1.json", "{}"}};
  EXPECT_THAT(Resolve(PodWith(R"j([{"name":"my var:x/y","value":"a"},
                                  {"name":"B","value":"$(my var:x/y)$(1.json)$(1P 1.json)"}])j",
                              R"j([{"configMapRef":{"name":"cm"}},
                                  {"prefix":"1P ","configMapRef":{"name":"cm"}}])j")),
              ElementsAre("my var:x/y=a", "B=a{}{}", "1.json={}", "1P 1.json={}"));
  for (const std::string prefix : {"a=", "\\u00e9", "a\\n"}) {
    EXPECT_THAT(Resolve(PodWith(
                    "[]", R"j([{"prefix":")j" + prefix + R"j(","configMapRef":{"name":"cm"}}])j")),
                ElementsAre(HasSubstr("envFrom[0]: prefix")));
  }
}

TEST_F(EnvTest, StrictNamesAreThoseBefore132) {
  options_.strict_names = true;
  fake_.objects["ConfigMap shop/cm"] = {{"1", "x"}, {"A", "a"}};
  EXPECT_THAT(Resolve(PodWith(R"j([{"name":"B","value":"$(1)"}])j",
                              R"j([{"configMapRef":{"name":"cm"}},
                                  {"prefix":"N","configMapRef":{"name":"cm"}}])j")),
              ElementsAre("B=$(1)", "A=a", "N1=x", "NA=a"));
  EXPECT_THAT(Resolve(PodWith("[]", R"j([{"prefix":"1","configMapRef":{"name":"cm"}}])j")),
              ElementsAre(HasSubstr("envFrom[0]: prefix")));
  EXPECT_THAT(Resolve(PodWith(R"j([{"name":"1A"}])j")),
              ElementsAre(HasSubstr("env[0].name \"1A\"")));
}

TEST_F(EnvTest, KeyRefs) {
  fake_.objects["ConfigMap shop/cm"] = {{"k", "v"}};
  fake_.objects["Secret shop/s"] = {{"k", "top"}};
  EXPECT_THAT(
      Resolve(PodWith(R"j([{"name":"A","valueFrom":{"configMapKeyRef":{"name":"cm","key":"k"}}},
                          {"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}])j")),
      ElementsAre("A=v", "B=top"));
}

TEST_F(EnvTest, OptionalReferencesThatAreNotFoundAreAbsent) {
  fake_.objects["Secret shop/s"] = {{"k", "top"}};
  EXPECT_THAT(
      Resolve(PodWith(
          R"j([{"name":"A","valueFrom":{"configMapKeyRef":{"name":"cm","key":"k","optional":true}}},
              {"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"x","optional":true}}},
              {"name":"C","value":"c"}])j",
          R"j([{"configMapRef":{"name":"none","optional":true}}])j")),
      ElementsAre("C=c"));
}

TEST_F(EnvTest, WhatIsNotFoundIsNamedOrLeftOut) {
  fake_.objects["Secret shop/s"] = {{"k", "top"}};
  const auto object =
      PodWith(R"j([{"name":"A","valueFrom":{"configMapKeyRef":{"name":"cm","key":"k"}}}])j");
  const auto key =
      PodWith(R"j([{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"x"}}}])j");
  const auto from = PodWith("[]", R"j([{"configMapRef":{"name":"cm"}}])j");
  EXPECT_THAT(Resolve(object),
              ElementsAre(HasSubstr(R"(env A: configMapKeyRef: ConfigMap "cm", key "k")")));
  EXPECT_THAT(Resolve(key), ElementsAre(HasSubstr(R"(Secret "s", key "x": no such key)")));
  EXPECT_THAT(Resolve(from), ElementsAre(HasSubstr(R"(envFrom[0]: configMapRef: ConfigMap "cm")")));
  options_.skip_unresolved = true;
  for (const Json* pod : {&object, &key, &from}) EXPECT_THAT(Resolve(*pod), ElementsAre());
}

TEST_F(EnvTest, WithoutAServerReferencesFailNamingTheVariableOrAreLeftOut) {
  with_objects_ = false;
  const auto pod = PodWith(
      R"j([{"name":"A","valueFrom":{"configMapKeyRef":{"name":"cm","key":"k","optional":true}}},
          {"name":"B","value":"b"}])j");
  const auto vars = ResolveEnv(pod, "main", nullptr, nullptr);
  ASSERT_FALSE(vars);
  EXPECT_EQ(vars.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(vars.error().message, HasSubstr("env A: configMapKeyRef needs an API server"));
  options_.skip_unresolved = true;
  EXPECT_THAT(Resolve(pod), ElementsAre("B=b"));
}

TEST_F(EnvTest, SkipUnresolvedPassesOverForbiddenButNotOverAServerThatIsAway) {
  const auto pod =
      PodWith(R"j([{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}])j");
  options_.skip_unresolved = true;
  fake_.failures["Secret shop/s"] = ErrorCode::kPermissionDenied;
  EXPECT_THAT(Resolve(pod), ElementsAre());
  fake_.failures["Secret shop/s"] = ErrorCode::kUnavailable;
  EXPECT_THAT(Resolve(pod), ElementsAre(HasSubstr("refused")));
}

TEST_F(EnvTest, ContainersOfEveryKindAreFoundByName) {
  const auto pod = PodWith("[]");
  EXPECT_THAT(Resolve(pod, "init"), ElementsAre("I=1"));
  EXPECT_THAT(Resolve(pod, "side"), ElementsAre());
  EXPECT_THAT(Resolve(pod, "debug"), ElementsAre("D=1"));
  const auto vars = ResolveEnv(pod, "mian", nullptr, nullptr);
  ASSERT_FALSE(vars);
  EXPECT_EQ(vars.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(vars.error().message, HasSubstr("side, main, init, debug"));
}

TEST_F(EnvTest, TheNameOfTheOnlyContainerMayBeLeftOut) {
  const auto many = ResolveEnv(PodWith("[]"), "", nullptr, nullptr);
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().message, HasSubstr("--container is needed"));
  const Json one = Parsed(R"j({"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}],
      "initContainers":[{"name":"i"}]}})j");
  EXPECT_THAT(Resolve(one, ""), ElementsAre("A=1"));
}

// Rules: ValidateEnv and ValidateEnvFrom.
TEST_F(EnvTest, WhatTheApiServerRefusesIsRefused) {
  const std::pair<std::string, std::string> cases[] = {
      {R"j([{"name":""}])j", "env[0].name"},
      {R"j([{"value":"x"}])j", "env[0].name"},
      {R"j([{"name":"A=B"}])j", "env[0].name \"A=B\""},
      {R"j([{"name":"a\u00e9"}])j", "env[0].name"},
      {R"j([{"name":"A","value":"v","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}])j",
       "env A: value and valueFrom must not both be given"},
      {R"j([{"name":"A","valueFrom":{"configMapKeyRef":{"name":"C M","key":"k"}}}])j",
       "configMapKeyRef.name \"C M\""},
      {R"j([{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"a b"}}}])j",
       "secretKeyRef.key \"a b\""},
      {R"j([{"name":"A","value":1}])j", "env A.value must be a string"},
      {R"j([{"name":"A","valueFrom":{}}])j", "env A: valueFrom needs exactly one of"},
      {R"j([{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"},
          "secretKeyRef":{"name":"s","key":"k"}}}])j",
       "has both fieldRef and secretKeyRef"},
      {R"j([{"name":"A","valueFrom":{"fieldRef":{"apiVersion":"v2","fieldPath":"metadata.name"}}}])j",
       "apiVersion \"v2\""},
      {R"j([{"name":"A","valueFrom":{"fieldRef":{"fieldPath":""}}}])j", "fieldPath is required"},
      {R"j([{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.nam"}}}])j", "metadata.nam"},
      {R"j([{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"2"}}}])j",
       "env A: resourceFieldRef"},
      {R"j([{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpux"}}}])j",
       "env A: resourceFieldRef"},
      {R"j([{"name":"A","valueFrom":{"resourceFieldRef":{}}}])j", "resource is required"},
      {R"j([{"name":"A","valueFrom":{"configMapKeyRef":{"key":"k"}}}])j", "name is required"},
      {R"j([{"name":"A","valueFrom":{"secretKeyRef":{"name":"s"}}}])j", "key is required"},
      {R"j([{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"k","optional":"no"}}}])j",
       "optional must be true or false"},
      {R"j({"name":"A"})j", "env must be a list"},
      {R"j([{"name":"A","value":"a\u0000b"}])j", "NUL"},
  };
  options_.skip_unresolved = true;  // it never hides a broken rule
  for (const auto& [env, message] : cases) {
    EXPECT_THAT(Resolve(PodWith(env)), ElementsAre(HasSubstr(message))) << env;
  }
  EXPECT_THAT(Resolve(PodWith("[]", "[{}]")), ElementsAre(HasSubstr("exactly one of")));
  EXPECT_THAT(
      Resolve(PodWith("[]", R"j([{"configMapRef":{"name":"a"},"secretRef":{"name":"b"}}])j")),
      ElementsAre(HasSubstr("has both")));
}

TEST(IsEnvVarNameTest, Names) {
  for (const std::string_view name : {"A", "_", "a.b-c", "-x", ".x", "A1"}) {
    EXPECT_TRUE(IsEnvVarName(name)) << name;
    EXPECT_TRUE(IsStrictEnvVarName(name)) << name;
  }
  for (const std::string_view name : {"1", ".", "..", "..a", "a b", "~", " "}) {
    EXPECT_TRUE(IsEnvVarName(name)) << name;
    EXPECT_FALSE(IsStrictEnvVarName(name)) << name;
  }
  for (const std::string_view name : {"", "a=b", "\xc3\xa9", "a\n", "\x7f"}) {
    EXPECT_FALSE(IsEnvVarName(name)) << name;
    EXPECT_FALSE(IsStrictEnvVarName(name)) << name;
  }
}

}  // namespace
}  // namespace downwardfs
