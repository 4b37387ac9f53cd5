// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/field_path.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace downwardfs {
namespace {

// More digits than any list has elements, and no overflow.
constexpr std::size_t kMaxIndexDigits = 9;

// Kubernetes' field names are letters and digits; '-' and '_' leave room for what a pod file holds.
bool IsMemberChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '-' || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view path) : path_(path) {}

  Result<std::vector<PathStep>> Run() {
    if (path_.empty()) return Invalid("must not be empty");
    for (;;) {
      if (auto done = Member(); !done) return Fail(std::move(done.error()));
      while (At('[')) {
        if (auto done = Bracket(); !done) return Fail(std::move(done.error()));
      }
      if (at_ == path_.size()) return std::move(steps_);
      if (!At('.')) {
        return Invalid("unexpected " + QuoteForMessage(path_.substr(at_, 1)) + " after " +
                       QuoteForMessage(path_.substr(0, at_)));
      }
      ++at_;
    }
  }

 private:
  bool At(char c) const { return at_ < path_.size() && path_[at_] == c; }

  void Push(PathStep step, std::size_t end) {
    at_ = end;
    step.end = end;
    steps_.push_back(step);
  }

  Status Member() {
    std::size_t length = 0;
    while (at_ + length < path_.size() && IsMemberChar(path_[at_ + length])) ++length;
    if (length == 0) {
      return Invalid(at_ == path_.size()
                         ? "must not end in '.'"
                         : "expected a field name, not " + QuoteForMessage(path_.substr(at_)));
    }
    PathStep step;
    step.name = path_.substr(at_, length);
    Push(step, at_ + length);
    return {};
  }

  // At '['.
  Status Bracket() {
    const std::string_view rest = path_.substr(at_ + 1);
    PathStep step;
    if (!rest.empty() && rest.front() == '\'') {
      if (rest.size() < 3 || rest.substr(rest.size() - 2) != "']") {
        return Invalid("['key'] must be closed and end the path");
      }
      step.kind = PathStep::Kind::kKey;
      step.name = rest.substr(1, rest.size() - 3);
      Push(step, path_.size());
      return {};
    }
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return Invalid("'[' is not closed");
    const std::string_view inside = rest.substr(0, close);
    if (const auto equals = inside.find('='); equals != std::string_view::npos) {
      step.kind = PathStep::Kind::kSelect;
      step.name = inside.substr(0, equals);
      step.value = inside.substr(equals + 1);
      if (step.name.empty() || !std::all_of(step.name.begin(), step.name.end(), IsMemberChar)) {
        return Invalid("[key=value] needs a field name before '='");
      }
    } else if (!inside.empty() && inside.size() <= kMaxIndexDigits &&
               std::all_of(inside.begin(), inside.end(), IsDigit)) {
      step.kind = PathStep::Kind::kIndex;
      for (const char c : inside) step.index = step.index * 10 + static_cast<std::size_t>(c - '0');
    } else {
      return Invalid("[" + QuoteForMessage(inside) +
                     "] is neither [index], [key=value] nor ['key']");
    }
    Push(step, at_ + close + 2);
    return {};
  }

  const std::string_view path_;
  std::size_t at_ = 0;
  std::vector<PathStep> steps_;
};

}  // namespace

Result<std::vector<PathStep>> ParseFieldPath(std::string_view path) {
  return Parser(path).Run();
}

}  // namespace downwardfs
