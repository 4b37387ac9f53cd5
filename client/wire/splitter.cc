// SPDX-License-Identifier: Apache-2.0
#include "client/wire/splitter.h"

#include "base/text.h"

namespace downwardfs::client {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

tl::unexpected<Error> Unexpected(char c, const char* expected) {
  return Fail(ErrorCode::kInvalidArgument, "found " + QuoteForMessage(std::string_view(&c, 1)) +
                                               " where " + expected + " must stand");
}

// Runs `advance` until the bytes are used up; the first error is kept for good.
template <class Advance>
Status FeedAll(std::string_view bytes, bool* failed, Error* error, Advance advance) {
  if (*failed) return Fail(*error);
  while (!bytes.empty()) {
    if (auto done = advance(&bytes); !done) {
      *failed = true;
      *error = done.error();
      return done;
    }
  }
  return {};
}

}  // namespace

Result<bool> ObjectCollector::Take(std::string_view* bytes) {
  if (!collecting_) {
    collecting_ = true;
    scanner_.Reset();
    buffer_.clear();
  }
  std::size_t taken = 0;
  const auto outcome = scanner_.Scan(*bytes, &taken);
  if (buffer_.size() + taken > limit_) {
    return Fail(ErrorCode::kResourceExhausted,
                "larger than the limit of " + std::to_string(limit_) + " bytes");
  }
  buffer_.append(bytes->substr(0, taken));
  bytes->remove_prefix(taken);
  switch (outcome) {
    case JsonScanner::Outcome::kMore:
      return false;
    case JsonScanner::Outcome::kMismatch:
      return Fail(ErrorCode::kInvalidArgument, "not valid JSON: brackets do not match");
    case JsonScanner::Outcome::kTooDeep:
      return Fail(ErrorCode::kResourceExhausted,
                  "nested deeper than " + std::to_string(JsonScanner::kMaxDepth) + " levels");
    case JsonScanner::Outcome::kComplete:
      break;
  }
  collecting_ = false;
  buffer_.append(ObjectDecoder::kPadding, ' ');
  return true;
}

std::string_view ObjectCollector::Json() const {
  return std::string_view(buffer_).substr(0, buffer_.size() - ObjectDecoder::kPadding);
}

ListSplitter::ListSplitter(TypeHint hint, ItemHandler handler, SplitterLimits limits)
    : hint_(std::move(hint)),
      handler_(std::move(handler)),
      limits_(limits),
      collector_(limits.object_bytes) {}

Status ListSplitter::Feed(std::string_view bytes) {
  return FeedAll(bytes, &failed_, &error_,
                 [this](std::string_view* rest) { return Advance(rest); });
}

Status ListSplitter::Advance(std::string_view* bytes) {
  const char c = bytes->front();
  switch (place_) {
    case Place::kItems:
      return ItemsByte(bytes);
    case Place::kEnvelope:
      bytes->remove_prefix(1);
      return EnvelopeByte(c);
    case Place::kStart:
      bytes->remove_prefix(1);
      if (IsSpace(c)) return {};
      if (c != '{') return Unexpected(c, "a list");
      place_ = Place::kEnvelope;
      return EnvelopeByte(c);
    case Place::kAfter:
      bytes->remove_prefix(1);
      if (!IsSpace(c)) return Unexpected(c, "the end of the list");
      return {};
  }
  return {};
}

Status ListSplitter::EnvelopeByte(char c) {
  if (envelope_.size() + ObjectDecoder::kPadding >= limits_.envelope_bytes) {
    return Fail(ErrorCode::kResourceExhausted, "the list's metadata is larger than the limit of " +
                                                   std::to_string(limits_.envelope_bytes) +
                                                   " bytes");
  }
  envelope_ += c;
  if (in_string_) {
    if (!escaped_ && c == '"') {
      in_string_ = false;
    } else if (depth_ == 1) {
      last_string_ += c;
    }
    escaped_ = !escaped_ && c == '\\';
    return {};
  }
  switch (c) {
    case '"':
      in_string_ = true;
      if (depth_ == 1) last_string_.clear();
      break;
    case ':':
      if (depth_ == 1) key_ = last_string_;
      break;
    case ',':
      if (depth_ == 1) key_.clear();
      break;
    case '[':
      if (depth_ == 1 && key_ == "items") {
        StartItems();
        break;
      }
      ++depth_;
      break;
    case '{':
      ++depth_;
      break;
    case ']':
    case '}':
      if (--depth_ == 0) place_ = Place::kAfter;
      break;
    default:
      break;
  }
  return {};
}

void ListSplitter::StartItems() {
  place_ = Place::kItems;
  item_expected_ = true;
  comma_seen_ = false;
  // Go writes kind and apiVersion first. They go for the items, as kubectl does it; if
  // they come later, or the list is a plain "List", the hint stands.
  const std::size_t before = envelope_.size();
  std::string so_far = envelope_ + "]}";
  so_far.append(ObjectDecoder::kPadding, ' ');
  const auto envelope = decoder_.DecodeEnvelope(std::string_view(so_far).substr(0, before + 2));
  if (!envelope || !envelope->kind.ends_with("List") || envelope->kind == "List") return;
  if (envelope->api_version.empty()) return;
  hint_.kind = envelope->kind.substr(0, envelope->kind.size() - 4);
  hint_.api_version = envelope->api_version;
}

Status ListSplitter::ItemsByte(std::string_view* bytes) {
  if (!collector_.collecting()) {
    const char c = bytes->front();
    if (IsSpace(c)) {
      bytes->remove_prefix(1);
      return {};
    }
    if (c == ']' && !comma_seen_) {
      bytes->remove_prefix(1);
      place_ = Place::kEnvelope;
      key_.clear();
      envelope_ += ']';
      return {};
    }
    if (c == ',' && !item_expected_) {
      bytes->remove_prefix(1);
      comma_seen_ = item_expected_ = true;
      return {};
    }
    if (c != '{' || !item_expected_) return Unexpected(c, "an item of the list");
  }
  auto complete = collector_.Take(bytes);
  const auto where = [this] { return "items[" + std::to_string(items_) + "]"; };
  if (!complete) return Fail(std::move(complete.error()), where());
  if (!*complete) return {};
  if (auto done = OnItem(); !done) return Fail(std::move(done.error()), where());
  ++items_;
  comma_seen_ = item_expected_ = false;
  return {};
}

Status ListSplitter::OnItem() {
  auto view = decoder_.Decode(collector_.Json(), hint_);
  if (!view) return Fail(std::move(view.error()));
  if (view->name.empty()) return Fail(ErrorCode::kInvalidArgument, "has no metadata.name");
  return handler_(*view);
}

Result<ListMeta> ListSplitter::Finish() {
  if (failed_) return Fail(error_);
  if (place_ != Place::kAfter) {
    return Fail(ErrorCode::kUnavailable,
                "the list ends in its middle, after " + std::to_string(items_) + " items");
  }
  const std::size_t size = envelope_.size();
  envelope_.append(ObjectDecoder::kPadding, ' ');
  auto envelope = decoder_.DecodeEnvelope(std::string_view(envelope_).substr(0, size));
  if (!envelope) return Fail(std::move(envelope.error()), "the list's metadata");
  if (!envelope->kind.ends_with("List")) {
    return Fail(ErrorCode::kInvalidArgument,
                "the answer is of kind " + QuoteForMessage(envelope->kind) + ", not a list");
  }
  ListMeta meta;
  meta.resource_version = std::move(envelope->resource_version);
  meta.continue_token = std::move(envelope->continue_token);
  meta.items = items_;
  return meta;
}

WatchSplitter::WatchSplitter(TypeHint hint, EventHandler handler, SplitterLimits limits)
    : hint_(std::move(hint)), handler_(std::move(handler)), collector_(limits.object_bytes) {}

Status WatchSplitter::Feed(std::string_view bytes) {
  return FeedAll(bytes, &failed_, &error_,
                 [this](std::string_view* rest) { return Advance(rest); });
}

Status WatchSplitter::Advance(std::string_view* bytes) {
  const auto where = [this] { return "event " + std::to_string(events_ + 1); };
  if (!collector_.collecting()) {
    const char c = bytes->front();
    if (IsSpace(c)) {
      bytes->remove_prefix(1);
      return {};
    }
    if (c != '{') return Unexpected(c, "a watch event");
  }
  auto complete = collector_.Take(bytes);
  if (!complete) return Fail(std::move(complete.error()), where());
  if (!*complete) return {};
  auto decoded = decoder_.DecodeEvent(collector_.Json(), hint_);
  if (!decoded) return Fail(std::move(decoded.error()), where());
  WatchEvent event;
  event.object = decoded->object;
  if (decoded->type == "ADDED") event.type = EventType::kAdded;
  if (decoded->type == "MODIFIED") event.type = EventType::kModified;
  if (decoded->type == "DELETED") event.type = EventType::kDeleted;
  if (decoded->type == "BOOKMARK") event.type = EventType::kBookmark;
  const bool is_object = event.type != EventType::kBookmark && event.type != EventType::kError;
  if (is_object && event.object.name.empty()) {
    return Fail(ErrorCode::kInvalidArgument, where() + ": its object has no metadata.name");
  }
  ++events_;
  return handler_(event);
}

Status WatchSplitter::Finish() {
  if (failed_) return Fail(error_);
  if (collector_.collecting()) {
    return Fail(ErrorCode::kUnavailable,
                "the watch ends within event " + std::to_string(events_ + 1));
  }
  return {};
}

}  // namespace downwardfs::client
