// SPDX-License-Identifier: Apache-2.0
#include "cli/status_answer.h"

#include <cstddef>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/fuse/status_head.h"

namespace downwardfs {
namespace {

using nlohmann::json;

// A status has three levels. A recursive function writes it, so that depth costs stack.
constexpr int kMostLevels = 16;

}  // namespace

Result<json> ParseStatus(const std::string& mount_point, const StatusAnswer& answer) {
  bool deep = false;
  const auto keep = [&deep](int depth, json::parse_event_t event, const json& /*value*/) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    const bool good = !opens || depth < kMostLevels;
    deep = deep || !good;
    return good;
  };
  auto status = json::parse(answer.json, keep, /*allow_exceptions=*/false);
  if (deep) {
    return Fail(ErrorCode::kInternal, mount_point + ": the daemon's answer is nested deeper than " +
                                          std::to_string(kMostLevels) + " levels");
  }
  if (!status.is_object()) {
    return Fail(ErrorCode::kInternal, mount_point + ": the daemon's answer is not JSON");
  }
  return status;
}

bool FlagIn(const json& status, const char* member, bool otherwise) {
  const auto found = status.find(member);
  return found != status.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

std::string PlainText(const json& value) {
  return OneLine(value.is_string() ? value.get_ref<const std::string&>() : value.dump());
}

// JSON escapes only those below U+0020. In a valid text the others are parts of strings.
std::string SafeStatusText(const json& status) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::string text = StatusText(status);
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool control = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    const unsigned code = control ? next : byte;
    if (control || byte == 0x7f) {
      safe += "\\u00";
      safe += kHex[code >> 4];
      safe += kHex[code & 15];
    } else {
      safe += text[i];
    }
    if (control) ++i;
  }
  return safe;
}

}  // namespace downwardfs
