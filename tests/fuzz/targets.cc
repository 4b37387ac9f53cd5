// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/targets.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "fs/projection/document.h"
#include "sources/manifest.h"

namespace downwardfs {
namespace {

void Require(bool holds, const char* promise, std::string_view detail = "") {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s: %.*s\n", promise, static_cast<int>(detail.size()),
               detail.data());
  std::abort();
}

void RequireOneLine(const Error& error) {
  Require(!error.message.empty(), "an error says something");
  Require(OneLine(error.message) == error.message, "an error is one line", error.message);
}

void RequireRoundTrip(const Json& value) {
  const std::string text = DumpJson(value);
  const auto again = ParseJson(text);
  Require(again.has_value(), "what was written can be read", text);
  Require(DumpJson(*again) == text, "it is the same value", text);
  Require(IsValidUtf8(DumpJson(value, 2)), "indented output is UTF-8", text);
}

void CheckObjects(const Result<std::vector<Json>>& objects, const char* kind) {
  if (!objects) return RequireOneLine(objects.error());
  Require(!objects->empty(), "success has objects");
  for (const Json& object : *objects) {
    Require(object.at("kind") == kind, "the kind is right");
    const Json& metadata = object.at("metadata");
    Require(!metadata.contains("name") || metadata["name"].is_string(), "a name is a string");
    RequireRoundTrip(object);
  }
}

}  // namespace

void FuzzManifest(std::string_view bytes) {
  const auto documents = ParseManifest(bytes);
  if (!documents) return RequireOneLine(documents.error());
  for (const Json& document : *documents) RequireRoundTrip(document);
  CheckObjects(PodsFromManifest(*documents), "Pod");
  CheckObjects(NodesFromManifest(*documents), "Node");
}

void FuzzJson(std::string_view bytes) {
  const auto value = ParseJson(bytes);
  if (value) {
    RequireRoundTrip(*value);
  } else {
    RequireOneLine(value.error());
  }
}

}  // namespace downwardfs
