// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/vectors.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace downwardfs::testing {
namespace {

std::string Directory() {
  const char* chosen = std::getenv("DOWNWARDFS_VECTORS");
  return chosen != nullptr && *chosen != '\0' ? chosen : TEST_DATA_DIR "/kubelet-vectors";
}

}  // namespace

std::size_t ForEachVector(std::string_view file, const std::function<void(const Vector&)>& visit) {
  const std::string path = Directory() + "/" + std::string(file);
  std::ifstream stream(path, std::ios::binary);
  std::size_t count = 0;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const std::string where = std::string(file) + ":" + std::to_string(number);
    const auto parsed = ParseJson(line);
    if (!parsed || !parsed->is_object() || !parsed->contains("in") || !parsed->contains("out")) {
      ADD_FAILURE() << where << ": " << (parsed ? "not a vector" : parsed.error().message);
      continue;
    }
    visit({where + " " + QuoteForMessage(line, 2000), parsed->at("in"), parsed->at("out")});
    ++count;
  }
  if (count == 0) ADD_FAILURE() << path << ": missing or empty";
  return count;
}

bool IsRefused(const Vector& vector) {
  return vector.out.contains("error");
}

std::string BytesMember(const Json& object, const std::string& key, std::string_view fallback) {
  // A line has both where the bytes are not UTF-8: the plain one is then only a likeness.
  if (const auto coded = object.find(key + "_b64"); coded != object.end()) {
    return DecodeBase64(coded->get_ref<const std::string&>());
  }
  if (const auto plain = object.find(key); plain != object.end()) return plain->get<std::string>();
  return std::string(fallback);
}

Result<Json> PodOf(const Json& in) {
  if (const auto pod = in.find("pod"); pod != in.end()) return *pod;
  return ParseJson(DecodeBase64(in.at("pod_b64").get_ref<const std::string&>()));
}

std::string DecodeBase64(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  if (text.size() % 4 != 0) ADD_FAILURE() << "base64 of odd length: " << QuoteForMessage(text);
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) {
      ADD_FAILURE() << "not base64: " << QuoteForMessage(text);
      return {};
    }
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held & 0xff);
    }
  }
  return out;
}

std::string Utf8(char32_t rune) {
  const auto tail = [rune](int shift) { return static_cast<char>(0x80 | (rune >> shift & 0x3f)); };
  if (rune < 0x80) return {static_cast<char>(rune)};
  if (rune < 0x800) return {static_cast<char>(0xc0 | rune >> 6), tail(0)};
  if (rune < 0x10000) return {static_cast<char>(0xe0 | rune >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | rune >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace downwardfs::testing
