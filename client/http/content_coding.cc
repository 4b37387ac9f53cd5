// SPDX-License-Identifier: Apache-2.0
#include "client/http/content_coding.h"

#include <algorithm>

#include "base/text.h"

namespace downwardfs::client {
namespace {

// With the line's end: curl 7.88 gives it as the value of an empty field.
std::string_view Trimmed(std::string_view text) {
  constexpr char kBlank[] = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool Is(std::string_view coding, std::string_view lower) {
  return std::equal(coding.begin(), coding.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

// The codings of all fields, without those that say nothing.
std::vector<std::string_view> Codings(const std::vector<std::string_view>& fields,
                                      std::string_view neutral) {
  std::vector<std::string_view> codings;
  for (std::string_view field : fields) {
    while (!field.empty()) {
      const std::string_view coding = Trimmed(field.substr(0, field.find(',')));
      field.remove_prefix(std::min(field.find(','), field.size() - 1) + 1);
      if (!coding.empty() && !Is(coding, neutral)) codings.push_back(coding);
    }
  }
  return codings;
}

std::string Joined(const std::vector<std::string_view>& codings) {
  std::string text;
  for (const std::string_view coding : codings) {
    text.append(text.empty() ? "" : ", ").append(coding);
  }
  return QuoteForMessage(text);
}

}  // namespace

Result<ContentCoding> ContentCodingOf(const std::vector<std::string_view>& fields) {
  const auto codings = Codings(fields, "identity");
  if (codings.empty()) return ContentCoding::kIdentity;
  if (codings.size() == 1 && Is(codings[0], "gzip")) return ContentCoding::kGzip;
  return Fail(ErrorCode::kUnavailable,
              "its Content-Encoding is " + Joined(codings) +
                  ", and gzip is the only one that was offered; look for a proxy that compresses");
}

Status CheckTransferCoding(const std::vector<std::string_view>& fields) {
  const auto codings = Codings(fields, "chunked");
  if (codings.empty()) return {};
  return Fail(ErrorCode::kUnavailable,
              "its Transfer-Encoding is " + Joined(codings) +
                  ", and chunked is the only one that is read; look for a proxy that compresses");
}

}  // namespace downwardfs::client
