// SPDX-License-Identifier: Apache-2.0
//
// Keeps idle objects small. Pods of one cluster look alike, so zstd with a dictionary made of some
// of them brings 3 KB down to a few hundred bytes, where zstd alone would not reach half. One codec
// per store, made once there are enough objects to learn from, shared by every object that it
// compressed. Any thread may call any method.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace downwardfs::client {

/// Compresses and restores objects with one dictionary.
class ObjectCodec {
 public:
  /// Learns from `samples` (some dozen objects at least). kInternal where zstd finds nothing common
  /// in them; then objects stay as they are.
  static Result<std::shared_ptr<ObjectCodec>> Train(const std::vector<std::string>& samples);

  ~ObjectCodec();
  ObjectCodec(const ObjectCodec&) = delete;
  ObjectCodec& operator=(const ObjectCodec&) = delete;

  /// The compressed bytes; empty if they would not be smaller.
  std::string Compress(std::string_view bytes) const;

  /// The bytes that Compress() was given; `size` is their number.
  std::string Decompress(std::string_view compressed, std::size_t size) const;

 private:
  struct State;
  explicit ObjectCodec(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace downwardfs::client
