// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/mount_options.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "mount-helper/generic_options.h"

namespace downwardfs {
namespace {

// The long options of `downwardfs mount`; tests/mount-helper compares them with its --help.
constexpr std::array<std::string_view, 21> kWithValue = {
    "pod-file",
    "node-file",
    "kubeconfig",
    "context",
    "server",
    "token-file",
    "ca-file",
    "wait",
    "pod",
    "items",
    "volume",
    "fs-group",
    "layout",
    "selinux-context",
    "log-file",
    "watchdog",
    "run-as",
    "log-format",
    "log-level",
    "namespace",
    "mount-namespace",
};
constexpr std::array<std::string_view, 10> kFlags = {
    "api-defaults", "insecure-skip-tls-verify",
    "no-node",      "strict",
    "allow-other",  "no-allow-other",
    "no-holder",    "no-resend",
    "cluster",      "over-mounts",
};
template <std::size_t N>
bool Contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

tl::unexpected<Error> Bad(const std::string& option, const std::string& rule) {
  return Fail(ErrorCode::kInvalidArgument, "option " + QuoteForMessage(option) + ": " + rule);
}

// Adds what one option stands for.
Status AddOption(const std::string& option, bool sloppy, std::vector<std::string>& command) {
  const auto equals = option.find('=');
  const std::string name = option.substr(0, equals);
  const bool has_value = equals != std::string::npos;
  if (Contains(kWithValue, name)) {
    if (!has_value) return Bad(option, "needs a value, " + name + "=VALUE");
    const std::string value = option.substr(equals + 1);
    // The command would take its next word for the value.
    if (value.empty()) return Bad(option, "needs a value, " + name + "=VALUE");
    const bool label = name == "context" && IsSelinuxLabel(value);
    command.push_back((label ? "--selinux-context=" : "--" + name + "=") + value);
    return {};
  }
  if (Contains(kFlags, name)) {
    if (has_value) return Bad(option, "takes no value");
    command.push_back("--" + name);
    return {};
  }
  if (const auto generic = FindGenericOption(name)) {
    switch (generic->meaning) {
      case GenericOption::Meaning::kNothing:
        return {};
      case GenericOption::Meaning::kFlag:
        command.emplace_back(generic->text);
        return {};
      case GenericOption::Meaning::kValue:
        if (!has_value || equals + 1 == option.size()) {
          return Bad(option, "needs a value, " + name + "=VALUE");
        }
        command.push_back(std::string(generic->text) + option.substr(equals));
        return {};
      case GenericOption::Meaning::kRefused:
        return Bad(option, std::string(generic->text));
    }
  }
  if (sloppy) return {};
  return Bad(option, "unknown (the long options of `downwardfs mount` are known)");
}

// mount(8), --namespace.
std::string NamespaceFile(const std::string& given) {
  const bool process =
      std::all_of(given.begin(), given.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
  return process ? "/proc/" + given + "/ns/mnt" : given;
}

bool NamesAPod(const std::string& source) {
  const auto slash = source.find('/');
  return slash != std::string::npos && slash != 0 && slash + 1 < source.size();
}

}  // namespace

std::vector<std::string> SplitMountOptions(std::string_view options) {
  std::vector<std::string> out;
  std::string option;
  bool quoted = false;
  for (const char c : options) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      if (!option.empty()) out.push_back(std::move(option));
      option.clear();
    } else {
      option += c;
    }
  }
  if (!option.empty()) out.push_back(std::move(option));
  return out;
}

Result<MountRequest> ParseMountArguments(const std::vector<std::string>& arguments) {
  MountRequest request;
  std::vector<std::string> places;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.size() < 2 || argument[0] != '-') {
      places.push_back(argument);
      continue;
    }
    for (std::size_t at = 1; at < argument.size(); ++at) {
      const char flag = argument[at];
      if (flag == 'o' || flag == 't' || flag == 'N') {
        // The value is the rest of the word, or the next one.
        std::string value = argument.substr(at + 1);
        if (value.empty() && ++i < arguments.size()) value = arguments[i];
        if (value.empty()) {
          return Fail(ErrorCode::kInvalidArgument,
                      QuoteForMessage(std::string{'-', flag}) + " needs a value");
        }
        if (flag == 'o') request.options += (request.options.empty() ? "" : ",") + value;
        if (flag == 'N') request.mount_namespace = value;
        break;
      }
      if (flag == 'f') {
        request.fake = true;
      } else if (flag == 's') {
        request.sloppy = true;
      } else if (flag == 'v') {
        request.verbose = true;
      } else if (flag != 'n') {  // -n: no /etc/mtab, which is no file any more
        return Fail(ErrorCode::kInvalidArgument,
                    "unknown option " + QuoteForMessage(std::string{'-', flag}));
      }
    }
  }
  if (places.size() != 2) {
    return Fail(ErrorCode::kInvalidArgument, "usage: mount.downwardfs none DIR [-o OPTIONS]");
  }
  request.source = places[0];
  request.mount_point = places[1];
  return request;
}

Result<std::vector<std::string>> MountCommand(const MountRequest& request) {
  std::vector<std::string> command = {"mount"};
  std::vector<std::string> options = SplitMountOptions(request.options);
  // With it come options of the mount that is there, which the kernel shows and nobody has given.
  std::stable_partition(options.begin(), options.end(),
                        [](const std::string& option) { return option == "remount"; });
  for (const std::string& option : options) {
    if (auto added = AddOption(option, request.sloppy, command); !added) {
      return Fail(std::move(added.error()));
    }
  }
  const auto given = [&command](std::string_view flag) {
    return std::any_of(command.begin(), command.end(), [flag](const std::string& word) {
      return word.compare(0, flag.size(), flag) == 0;
    });
  };
  if (!given("--pod=") && NamesAPod(request.source)) command.push_back("--pod=" + request.source);
  // `mount -a` finds by source and place, as /proc/self/mountinfo has them, what is mounted
  // already.
  if (!given("--source-name=") && !request.source.empty()) {
    command.push_back("--source-name=" + request.source);
  }
  if (!given("--mount-namespace=") && !request.mount_namespace.empty()) {
    command.push_back("--mount-namespace=" + NamespaceFile(request.mount_namespace));
  }
  command.emplace_back("--");
  command.push_back(request.mount_point);
  return command;
}

}  // namespace downwardfs
