// SPDX-License-Identifier: Apache-2.0
#include "client/watch/list_limit.h"

#include <string>

namespace downwardfs::client {
namespace {

// The server may send pages that are smaller than the 500 that we ask for, and empty ones: so many
// objects a page on the average, and so many pages in any case.
constexpr std::size_t kFewOnAPage = 10;
constexpr std::size_t kAlwaysPages = 1000;

tl::unexpected<Error> TooMuch(std::size_t limit, const std::string& of) {
  return Fail(ErrorCode::kResourceExhausted,
              "the server sends more than " + std::to_string(limit) + " " + of +
                  "; the rest is not read (is this the right server, and the right selector?)");
}

}  // namespace

void ListLimit::Begin() {
  objects_ = bytes_ = pages_ = 0;
  exceeded_ = false;
}

Status ListLimit::TakeItem(const ObjectView& object) {
  bytes_ += object.json.size();
  ++objects_;
  exceeded_ = objects_ > limits_.objects || bytes_ > limits_.all_bytes;
  if (!exceeded_) return {};
  if (objects_ > limits_.objects) return TooMuch(limits_.objects, "objects in one list");
  return TooMuch(limits_.all_bytes, "bytes in one list");
}

Status ListLimit::TakePage() {
  const std::size_t most = kAlwaysPages + limits_.objects / kFewOnAPage;
  exceeded_ = ++pages_ > most;
  if (exceeded_) return TooMuch(most, "pages of one list");
  return {};
}

Status ListLimit::TakeEvent(const ObjectView& object) const {
  if (store_.size() < limits_.objects && store_.bytes() < limits_.all_bytes) return {};
  const ObjectKey key{std::string(object.kind), std::string(object.ns), std::string(object.name),
                      ""};
  if (store_.Get(key)) return {};
  if (store_.size() >= limits_.objects) return TooMuch(limits_.objects, "objects");
  return TooMuch(limits_.all_bytes, "bytes of objects");
}

}  // namespace downwardfs::client
