// SPDX-License-Identifier: Apache-2.0
#include "cli/inputs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "cli/stop_signals.h"
#include "fs/volume/projection_source.h"
#include "sources/env_objects.h"
#include "sources/file_env_objects.h"
#include "sources/file_source.h"
#include "sources/follow_source.h"
#include "sources/items_file.h"
#include "sources/once_source.h"

namespace downwardfs {
namespace {

Result<Inputs> OpenFiles(const SourceOptions& options, const std::string& pod) {
  auto file_source =
      FileSource::Open(options.pod_file, options.node_file, Clock::Real(),
                       options.api_defaults ? PodDefaults::kApiServer : PodDefaults::kNone);
  if (!file_source) return Fail(std::move(file_source.error()));
  Inputs inputs;
  FileSource* const opened = file_source->get();
  inputs.follow = [opened] { return opened->Start(); };
  inputs.source = std::move(*file_source);
  auto key = FindPod(*inputs.source, pod);
  if (!key) return Fail(std::move(key.error()));
  inputs.pod = std::move(*key);
  if (FileEnvObjects::HasAny(*inputs.source)) {
    inputs.env_objects = std::make_unique<FileEnvObjects>(*inputs.source);
  }
  return inputs;
}

// A name that no pod can have must not become part of a URL or a selector.
Status CheckName(const std::string& what, const std::string& name) {
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  const bool dots = name.find_first_not_of('.') == std::string::npos;
  if (good && !dots && name.size() <= 253) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "--pod: " + what + " " + QuoteForMessage(name) +
                  ": must consist of lower case letters, digits, '-' and '.'");
}

Result<Inputs> OpenApi(const SourceOptions& options, const std::string& pod, Usage usage) {
  if (!usage.server) usage.server = ResolveServer(options);
  auto access = OpenServer(std::move(*usage.server));
  if (!access) return Fail(std::move(access.error()));
  auto key = ParsePodName(pod, access->default_namespace);
  if (!key) return Fail(std::move(key.error()));
  if (auto valid = CheckName("namespace", key->ns); !valid) return Fail(std::move(valid.error()));
  if (auto valid = CheckName("name", key->name); !valid) return Fail(std::move(valid.error()));

  Inputs inputs;
  inputs.follow = [] { return Status(); };
  inputs.env_objects = std::make_unique<ApiEnvObjects>(*access, options.wait);
  if (!usage.follow) {
    OnceSource::Options once;
    once.pod = *key;
    once.nodes = options.nodes;
    once.wait = options.wait;
    auto source = OnceSource::Open(*access, std::move(once));
    if (!source) return Fail(std::move(source.error()));
    inputs.source = std::move(*source);
    inputs.pod = std::move(*key);
    return inputs;
  }
  FollowSource::Options follow;
  follow.pod = std::move(*key);
  follow.pod.uid = usage.uid;
  if (usage.on_waiting) {
    follow.on_waiting = [&](const std::string& why) {
      usage.on_waiting(access->description, follow.pod, why);
    };
    follow.on_waiting("");
  }
  follow.nodes = options.nodes;
  follow.wait = options.wait;
  follow.stop_fd = usage.stop_fd;
  auto source = FollowSource::Open(*access, follow);
  if (!source) return Fail(std::move(source.error()));
  inputs.pod = (*source)->pod();
  inputs.follow = [opened = source->get()] {
    opened->Serving();
    return Status();
  };
  inputs.source = std::move(*source);
  return inputs;
}

}  // namespace

std::optional<ServerConfig> ResolveServer(const SourceOptions& source) {
  if (!source.pod_file.empty()) return std::nullopt;
  return client::ResolveClusterConfig(source.server);
}

Result<Inputs> OpenInputs(const SourceOptions& source, const std::string& pod, Usage usage) {
  return source.pod_file.empty() ? OpenApi(source, pod, std::move(usage)) : OpenFiles(source, pod);
}

Result<Inputs> OpenInputs(const SourceOptions& source, const WhatOptions& what, Usage usage) {
  std::optional<StopAtOnce> reading;
  if (usage.stop_reading) reading.emplace();
  VolumeView view;
  view.rules.kubelet_only = what.strict;
  if (!what.items_file.empty()) {
    auto items = LoadItemsFile(what.items_file);
    if (!items) return Fail(std::move(items.error()));
    view.kind = VolumeView::Kind::kItems;
    view.items = std::move(*items);
  } else if (!what.volume.empty()) {
    view.kind = VolumeView::Kind::kVolume;
    view.volume = what.volume;
  }
  if (!source.pod_file.empty()) {
    auto inputs = OpenFiles(source, what.pod);
    if (inputs) inputs->view = std::move(view);
    return inputs;
  }
  if (!usage.server) usage.server = ResolveServer(source);
  reading.reset();
  auto inputs = OpenApi(source, what.pod, std::move(usage));
  if (inputs) inputs->view = std::move(view);
  return inputs;
}

}  // namespace downwardfs
