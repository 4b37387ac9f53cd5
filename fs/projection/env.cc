// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/env.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "fs/projection/env_expand.h"
#include "fs/projection/env_services.h"
#include "fs/projection/env_source.h"
#include "fs/projection/json_access.h"
#include "fs/projection/pod_allocation.h"

namespace downwardfs {
namespace {

struct FoundContainer {
  std::string name;
  const Json* container = nullptr;
};

// By name among the containers, the init containers, then the ephemeral ones. No name means the
// only one of spec.containers.
Result<FoundContainer> FindContainer(const Json& pod, std::string_view name) {
  const Json* const spec = FindMember(&pod, "spec");
  std::string names;
  std::vector<FoundContainer> regular;
  for (const std::string list_name : {"containers", "initContainers", "ephemeralContainers"}) {
    const Json* const list = FindMember(spec, list_name);
    if (list == nullptr || !list->is_array()) continue;
    for (const Json& container : *list) {
      const Json* const own_name = FindMember(&container, "name");
      if (own_name == nullptr || !own_name->is_string()) continue;
      const auto& text = own_name->get_ref<const std::string&>();
      if (!name.empty() && text == name) return FoundContainer{text, &container};
      names += names.empty() ? "" : ", ";
      names += text;
      if (list_name == "containers") regular.push_back({text, &container});
    }
  }
  if (name.empty() && regular.size() == 1) return regular.front();
  const std::string has = names.empty() ? "it has none" : "it has " + OneLine(names);
  if (name.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--container is needed: the pod has not exactly one container (" + has + ")");
  }
  return Fail(ErrorCode::kNotFound, "container " + QuoteForMessage(name) +
                                        ": the pod has no container of this name (" + has + ")");
}

// The elements of a list member; an absent one has none.
Result<const Json*> ListMember(const Json& container, const char* name) {
  static const Json kNone = Json::array();
  const Json* const list = FindMember(&container, name);
  if (list == nullptr) return &kNone;
  if (!list->is_array()) {
    return Invalid(std::string(name) + " must be a list, not " + std::string(JsonTypeName(*list)));
  }
  return list;
}

class Environment {
 public:
  Environment(const Json& container, EnvSources& sources, const EnvOptions& options)
      : container_(container), sources_(sources), options_(options) {}

  Result<std::vector<EnvVar>> Run() {
    if (options_.service_env) {
      auto services = sources_.Services();
      if (!services) return Fail(std::move(services.error()), "--service-env");
      services_ = std::move(*services);
    }
    if (auto done = AddEnvFrom(); !done) return Fail(std::move(done.error()));
    if (auto done = AddEnv(); !done) return Fail(std::move(done.error()));
    std::vector<EnvVar> result;
    for (const std::string& name : order_) {
      auto node = variables_.extract(name);
      result.push_back({name, std::move(node.mapped())});
    }
    for (auto& [name, value] : variables_) result.push_back({name, std::move(value)});
    for (auto& [name, value] : services_) {
      if (declared_.count(name) == 0 && variables_.count(name) == 0) {
        result.push_back({name, std::move(value)});
      }
    }
    return result;
  }

 private:
  // All of envFrom comes first, so that `env` may override it and refer to it.
  Status AddEnvFrom() {
    auto list = ListMember(container_, "envFrom");
    if (!list) return Fail(std::move(list.error()));
    for (std::size_t i = 0; i < (*list)->size(); ++i) {
      const std::string where = "envFrom[" + std::to_string(i) + "]";
      auto data = sources_.From((**list)[i]);
      if (!data) return Fail(std::move(data.error()), where);
      if (!*data) continue;
      for (auto& [name, value] : **data) {
        if (auto done = Set(name, std::move(value)); !done) {
          return Fail(std::move(done.error()), Concat({where, ": ", name}));
        }
      }
    }
    return {};
  }

  Status AddEnv() {
    auto list = ListMember(container_, "env");
    if (!list) return Fail(std::move(list.error()));
    for (std::size_t i = 0; i < (*list)->size(); ++i) {
      if (auto done = AddVariable((**list)[i], "env[" + std::to_string(i) + "]"); !done) {
        return done;
      }
    }
    return {};
  }

  Status AddVariable(const Json& entry, const std::string& where) {
    auto name = StringMember(entry, "name", where);
    if (!name) return Fail(std::move(name.error()));
    if (options_.strict_names && !IsStrictEnvVarName(*name)) {
      return Invalid(
          where + ".name " + QuoteForMessage(*name) +
          ": must be letters, digits, '-', '_' and '.', without a digit or '..' in front "
          "(--strict-env-names)");
    }
    if (!IsEnvVarName(*name)) {
      return Invalid(where + ".name " + QuoteForMessage(*name) +
                     ": must be printable ASCII characters other than '='");
    }
    const std::string variable = "env " + *name;
    auto value = StringMember(entry, "value", variable);
    if (!value) return Fail(std::move(value.error()));
    const Json* const value_from = FindMember(&entry, "valueFrom");
    std::string text;
    if (!value->empty()) {
      if (value_from != nullptr) {
        return Invalid(variable + ": value and valueFrom must not both be given");
      }
      text = ExpandEnv(*value, variables_, services_);
    } else if (value_from != nullptr) {
      auto found = sources_.Value(*value_from);
      if (!found) return Fail(std::move(found.error()), variable);
      if (!*found) return {};
      text = std::move(**found);
    }
    if (auto done = Set(*name, std::move(text)); !done) {
      return Fail(std::move(done.error()), variable);
    }
    if (declared_.insert(*name).second) order_.push_back(*name);
    return {};
  }

  Status Set(const std::string& name, std::string value) {
    if (value.find('\0') != std::string::npos) {
      return Invalid("the value has a NUL byte, which no environment can hold");
    }
    variables_[name] = std::move(value);
    return {};
  }

  const Json& container_;
  EnvSources& sources_;
  const EnvOptions& options_;
  EnvMap services_;
  EnvMap variables_;
  std::vector<std::string> order_;  // of `env`, by first declaration
  std::set<std::string> declared_;
};

}  // namespace

Result<std::vector<EnvVar>> ResolveEnv(const Json& pod, std::string_view container,
                                       const Json* node, EnvObjects* objects,
                                       const EnvOptions& options, EnvFiles* files) {
  const auto allocated = AllocatedPod(pod);
  const Json& started = allocated ? *allocated : pod;
  auto found = FindContainer(started, container);
  if (!found) return Fail(std::move(found.error()));
  EnvSources sources(started, found->name, node, objects, files, options);
  auto variables = Environment(*found->container, sources, options).Run();
  if (!variables) {
    return Fail(std::move(variables.error()), "container " + QuoteForMessage(found->name));
  }
  return variables;
}

bool IsEnvVarName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return c >= ' ' && c <= '~' && c != '='; });
}

bool IsStrictEnvVarName(std::string_view name) {
  const auto is_letter_or_sign = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
  };
  if (name.empty() || !is_letter_or_sign(name.front())) return false;
  if (name == "." || name.substr(0, 2) == "..") return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter_or_sign(c) || (c >= '0' && c <= '9'); });
}

}  // namespace downwardfs
