// SPDX-License-Identifier: Apache-2.0
#include "cli/inputs.h"

#include <utility>

#include "base/clock.h"
#include "fs/source/file_source.h"
#include "fs/source/items_file.h"
#include "fs/tree/projection_source.h"

namespace downwardfs {

Result<Inputs> OpenInputs(const SourceOptions& source, const std::string& pod) {
  auto file_source =
      FileSource::Open(source.pod_file, source.node_file, Clock::Real(),
                       source.api_defaults ? PodDefaults::kApiServer : PodDefaults::kNone);
  if (!file_source) return Fail(std::move(file_source.error()));
  Inputs inputs;
  FileSource* const opened = file_source->get();
  inputs.follow = [opened] { return opened->Start(); };
  inputs.source = std::move(*file_source);
  auto key = FindPod(*inputs.source, pod);
  if (!key) return Fail(std::move(key.error()));
  inputs.pod = std::move(*key);
  return inputs;
}

Result<Inputs> OpenInputs(const SourceOptions& source, const WhatOptions& what) {
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
  auto inputs = OpenInputs(source, what.pod);
  if (inputs) inputs->view = std::move(view);
  return inputs;
}

}  // namespace downwardfs
