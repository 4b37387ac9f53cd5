// SPDX-License-Identifier: Apache-2.0
#include "client/config/pem_blocks.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/base64.h"

namespace downwardfs::client {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::string_view kBlank = " \t\r\n";

std::string_view TrimRight(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

std::string_view Trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return TrimRight(text);
}

// The first line at or behind `at`, itself the start of a line, that begins with `mark`.
std::size_t FindLine(std::string_view text, std::size_t at, std::string_view mark) {
  if (text.substr(at).starts_with(mark)) return at;
  const std::size_t found = text.find("\n" + std::string(mark), at);
  return found == std::string_view::npos ? found : found + 1;
}

// Reads each byte a bounded number of times, however hostile the text is: a search for an END line
// is not repeated for each BEGIN line before it.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<PemBlock> ReadAll() {
    std::vector<PemBlock> blocks;
    for (;;) {
      at_ = FindLine(text_, at_, kBegin);
      if (at_ == std::string_view::npos) return blocks;
      at_ += kBegin.size();
      std::string_view type = TakeLine();
      if (!type.ends_with(kDashes)) continue;
      type.remove_suffix(kDashes.size());
      if (auto block = TakeBlock(type)) blocks.push_back(std::move(*block));
      if (end_ == std::string_view::npos) return blocks;
    }
  }

 private:
  // The line at `at_` without its break and the blanks before it; goes on to the next one.
  std::string_view TakeLine() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line = TrimRight(text_.substr(at_, end - at_));
    at_ = std::min(end + 1, text_.size());
    return line;
  }

  void TakeHeaders(PemBlock& block) {
    for (;;) {
      const std::size_t before = at_;
      const std::string_view line = TakeLine();
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) {
        at_ = before;
        return;
      }
      block.has_headers = true;
      if (Trim(line.substr(0, colon)) == "Proc-Type" &&
          line.find("ENCRYPTED", colon) != std::string_view::npos) {
        block.encrypted_by_header = true;
      }
    }
  }

  // The block whose BEGIN line has been taken. Of a malformed one the headers are taken.
  std::optional<PemBlock> TakeBlock(std::string_view type) {
    PemBlock block;
    block.type = type;
    TakeHeaders(block);
    if (end_ < at_) end_ = FindLine(text_, at_, kEnd);
    if (end_ == std::string_view::npos) return std::nullopt;
    const std::string_view body = text_.substr(at_, end_ - at_);
    const std::size_t begin = std::exchange(at_, end_);
    if (body.find('-') == std::string_view::npos &&
        TakeLine() == std::string(kEnd).append(type).append(kDashes)) {
      std::string digits(body);
      digits.erase(std::remove_if(digits.begin(), digits.end(),
                                  [](char c) { return c == ' ' || c == '\t'; }),
                   digits.end());
      if (auto der = Base64Decode(digits)) {
        block.der = std::move(*der);
        return block;
      }
    }
    at_ = begin;
    return std::nullopt;
  }

  const std::string_view text_;
  std::size_t at_ = 0;   // the start of a line
  std::size_t end_ = 0;  // of the first END line at or behind at_, if it is not less than that
};

}  // namespace

std::vector<PemBlock> ReadPemBlocks(std::string_view text) {
  return Reader(text).ReadAll();
}

std::string WritePemBlock(std::string_view type, std::string_view der) {
  constexpr std::size_t kLine = 64;
  const std::string digits = Base64Encode(der);
  std::string out = std::string(kBegin).append(type).append(kDashes).append("\n");
  for (std::size_t i = 0; i < digits.size(); i += kLine) {
    out.append(digits, i, kLine).append("\n");
  }
  return out.append(kEnd).append(type).append(kDashes).append("\n");
}

}  // namespace downwardfs::client
