// SPDX-License-Identifier: Apache-2.0
//
// The one reader of YAML text: manifests, item files, kubeconfigs and the answers of credential
// plugins. It reads YAML as Kubernetes' tools do, which is what sigs.k8s.io/yaml over go-yaml v2
// makes of it (yaml_scalar.h: the meaning of a scalar). It calls a sink with the values in their
// order, after aliases and merge keys are put in. Merge keys as in go-yaml: `<<` sets the merged
// keys at its place, so an explicit key after it wins and one before it loses; of several merged
// mappings the first wins. Of equal keys the last wins. Hostile input is bounded by YamlLimits.
// Error messages have the place and no scalar of the text, which may be a password. Pure functions;
// any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "yaml/yaml_scalar.h"

namespace downwardfs {

struct YamlLimits {
  /// Levels of nesting in the text, and after aliases are put in. At most 300: a thousand would
  /// overflow 8 MB of stack under AddressSanitizer.
  std::size_t depth = 300;
  std::size_t nodes = 8'000'000;  ///< of the text: a PodList of some 40,000 pods
  /// The nodes that aliases (`*name`) may add to a document, over all places where they are used.
  std::size_t aliased_nodes = 100'000;
  std::size_t aliased_bytes = std::size_t{64} << 20;
  /// Stop after the first document, as Go's Unmarshal does; what follows is not looked at.
  bool first_document_only = false;
};

/// Takes what ReadYaml() reads. After an error nothing more comes, and nothing is complete.
class YamlSink {
 public:
  virtual ~YamlSink() = default;
  /// A document begins. It is null if nothing comes before the next one.
  virtual void BeginDocument() = 0;
  /// `text`: as it is written, without quotes. `line`: from 1. An error is given its place.
  virtual Status Scalar(YamlValue value, std::string_view text, std::size_t line) = 0;
  virtual void OpenList(std::size_t line) = 0;
  virtual void OpenMap(std::size_t line) = 0;
  /// The key of the value that comes next. It may come again: the later value counts.
  virtual void Key(std::string key) = 0;
  virtual void Close() = 0;
};

/// Reads `text`, which must be UTF-8, or UTF-16 with a byte order mark (yaml_encoding.h).
/// kInvalidArgument:
/// "line L, column C: ...".
Status ReadYaml(std::string_view text, const YamlLimits& limits, YamlSink& sink);

}  // namespace downwardfs
